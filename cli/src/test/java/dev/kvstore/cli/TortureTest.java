package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.KvStore;
import dev.kvstore.cli.CommandRun.Outcome;
import dev.kvstore.process.SmallDisk;
import dev.kvstore.torture.Torture;
import dev.kvstore.torture.TortureOptions;
import dev.kvstore.torture.TortureReport;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisabledOnOs(OS.WINDOWS)
@Timeout(120)
class TortureTest {
  @TempDir private Path temporary;

  private Outcome run(Path directory, String... args) {
    return new CommandRun(directory).run(args);
  }

  @Test
  void aShortRunPassesAndLeavesNothing() throws IOException {
    Path directory = temporary.resolve("new/dir");
    Outcome outcome =
        run(directory, "torture", "--minutes", "0.04", "--policy", "every=1s", "--seed", "17");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).as(outcome.toString()).isZero();
    assertThat(outcome.lines().getLast())
        .matches(
            "PASSED: nothing acknowledged is missing after [0-9]+ kills? and [0-9,]+"
                + " acknowledged writes, in .*");
    assertThat(outcome.out())
        .contains(
            "every=1000ms", "seed           17", "kills", "tails cut", "not tested", "file system");
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void asJsonItIsOneObject() {
    Outcome outcome = run(temporary, "torture", "--minutes", ".02", "--json", "--threads", "1");
    assertThat(outcome.code()).as(outcome.toString()).isZero();
    assertThat(outcome.lines()).hasSize(1);
    assertThat(outcome.out())
        .startsWith("{\"verdict\":\"PASSED\",\"seed\":")
        .contains("\"kills\":{\"starting\":", "\"problems\":[]", "\"directory\":null");
    assertThat(temporary).isEmptyDirectory();
  }

  /// Somebody removes everything after the first round that wrote anything.
  private static Torture spoiled(TortureOptions options, Consumer<TortureReport> listener) {
    return new Torture(
        options,
        soFar -> {
          listener.accept(soFar);
          if (soFar.writes() > 100) {
            try (KvStore store = KvStore.open(options.store());
                Stream<byte[]> keys = store.keys()) {
              keys.toList().forEach(store::delete);
            }
          }
        });
  }

  /// What is said of a key that is lost depends on whether it was just being written again.
  private static final String LOSS =
      "(key t[0-9]+-k[0-9]+ was set to [0-9]+ bytes by write [0-9]+, which was acknowledged; found: "
          + "|write [0-9]+ of thread [0-9]+ was under way and is there neither as a whole nor not at"
          + " all: .*t[0-9]+-k[0-9]+ ).*";

  @ParameterizedTest
  @CsvSource({"false", "true"})
  void aLossFailsNamesTheKeyAndKeepsTheEvidence(boolean json) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Streams streams = Streams.of(InputStream.nullInputStream(), out, err, Map.of());
    Kvstore command = new Kvstore(streams, new Interrupts(), StoreAccess.oneShot());
    command.dataDir(temporary.toString());
    TortureVerb verb = new TortureVerb(TortureTest::spoiled, json);
    verb.attach(command);
    assertThat(verb.run()).isEqualTo(ExitCode.STORE_ERROR);
    String said = out.toString(StandardCharsets.UTF_8);
    Path kept;
    try (Stream<Path> runs = Files.list(temporary)) {
      kept = runs.findFirst().orElseThrow();
    }
    if (json) {
      assertThat(said)
          .contains("\"verdict\":\"FAILED\"", "\"directory\":\"" + kept + "\"")
          .containsPattern("\"problems\":\\[\"" + LOSS);
    } else {
      assertThat(said.lines().toList().getLast()).matches("FAILED: " + LOSS);
      assertThat(said).contains("Kept for you", kept.toString(), "--seed ");
    }
    assertThat(kept.resolve("ABOUT.txt")).content().containsPattern(LOSS).contains("--seed ");
    assertThat(run(kept.resolve("store"), "verify").code()).isZero();
    Outcome next = run(temporary, "torture", "--minutes", "0.01");
    assertThat(next.out()).contains(kept.getFileName() + " of earlier runs; not touched");
    assertThat(kept.resolve("store")).isNotEmptyDirectory();
  }

  @Test
  void aFullDiskIsNoLoss() {
    try (SmallDisk disk = SmallDisk.mount(SmallDisk.Kind.TMPFS, temporary)) {
      disk.fillUp(300);
      Outcome outcome = run(disk.store(), "torture", "--value-bytes", "100000");
      assertThat(outcome.code()).as(outcome.toString()).isEqualTo(ExitCode.STORE_ERROR);
      assertThat(outcome.lines().getLast())
          .startsWith("INCOMPLETE: no space left on the disk")
          .contains("nothing acknowledged is missing");
      assertThat(disk.store()).doesNotExist();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "--minutes,0",
    "--minutes,soon",
    "--minutes,99999999",
    "--policy,sometimes",
    "--policy,every=0s",
    "--threads,0",
    "--threads,1000",
    "--value-bytes,1",
    "--seed,x",
  })
  void argumentsThatCannotBeMeantAreRefused(String option, String value) {
    Outcome outcome = run(temporary, "torture", option, value);
    assertThat(outcome.code()).as(outcome.toString()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.errLines()).hasSize(1);
    assertThat(outcome.err()).contains(option).contains(value);
    assertThat(outcome.out()).isEmpty();
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void aDirectoryMustBeNamed() {
    Outcome outcome =
        CommandRun.runPlain(Map.of("KVSTORE_DATA_DIR", temporary.toString()), "torture");
    assertThat(outcome.code()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.err()).contains("--data-dir");
    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void dataOfOthersIsNotTouched() throws IOException {
    Path store = temporary.resolve("store");
    assertThat(run(store, "set", "a", "b").code()).isZero();
    Outcome onStore = run(store, "torture");
    assertThat(onStore.code()).isEqualTo(ExitCode.USAGE);
    assertThat(onStore.err()).contains("is a store");
    assertThat(run(store, "get", "a").out()).isEqualTo("b\n");
    Files.writeString(temporary.resolve("letter"), "x");
    Outcome beside = run(temporary, "torture");
    assertThat(beside.code()).isEqualTo(ExitCode.USAGE);
    assertThat(beside.err()).contains("letter", "store");
    Outcome onFile = run(temporary.resolve("letter"), "torture");
    assertThat(onFile.code()).isEqualTo(ExitCode.STORE_ERROR);
    assertThat(onFile.err()).contains("is not a directory");
  }

  @Test
  void ctrlCEndsTheWritersAndTellsTheVerdictSoFar() throws Exception {
    Path errors = temporary.resolve("errors");
    Path output = temporary.resolve("output");
    Path directory = temporary.resolve("run");
    Process process =
        new ProcessBuilder(
                List.of(
                    System.getProperty("java.home") + "/bin/java",
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    System.getProperty("java.class.path"),
                    Main.class.getName(),
                    "--data-dir",
                    directory.toString(),
                    "torture",
                    "--minutes",
                    "10"))
            .redirectError(errors.toFile())
            .redirectOutput(output.toFile())
            .start();
    try {
      Awaitility.await()
          .atMost(60, TimeUnit.SECONDS)
          .pollInterval(10, TimeUnit.MILLISECONDS)
          .until(() -> process.descendants().findAny().isPresent() && hasStore(directory));
      List<ProcessHandle> writers = process.descendants().toList();
      Process kill = new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start();
      assertThat(kill.waitFor()).isZero();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(ExitCode.INTERRUPTED);
      assertThat(errors).isEmptyFile();
      assertThat(Files.readAllLines(output).getLast())
          .matches(
              "(PASSED|INCOMPLETE): .*nothing acknowledged is missing after .*interrupted"
                  + " after .*");
      assertThat(writers).noneMatch(ProcessHandle::isAlive);
      assertThat(directory).doesNotExist();
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
    }
  }

  private static boolean hasStore(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return false;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      return files.anyMatch(file -> file.endsWith("MANIFEST"));
    } catch (UncheckedIOException e) {
      return false; // something was gone before it could be looked at
    }
  }
}

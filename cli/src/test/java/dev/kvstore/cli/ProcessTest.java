package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import java.io.BufferedReader;
import java.io.File;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// What only a process of its own can show: pipes, signals, descriptors, locales.
@DisabledOnOs(OS.WINDOWS)
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ProcessTest {
  @TempDir private Path temporary;
  private Path directory;
  private Path errors;

  @BeforeEach
  void makeStore() {
    directory = temporary.resolve("store");
    errors = temporary.resolve("errors");
    try (KvStore store = KvStore.open(directory)) {
      for (int i = 0; i < 20_000; i++) {
        store.withDurability(Durability.OS).put("key" + i, "value" + i);
      }
    }
  }

  @Test
  void aReaderThatGoesAwayIsNoError() throws Exception {
    Process process = builder("export").start();
    try (BufferedReader out = process.inputReader()) {
      assertThat(out.readLine()).startsWith("{\"key\":\"key");
    }
    assertThat(process.waitFor()).isEqualTo(ExitCode.BROKEN_PIPE);
    assertThat(errors).isEmptyFile();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void outputThatCannotBeWrittenIsAnError() throws Exception {
    Process process = builder("get", "key1").redirectOutput(new File("/dev/full")).start();
    assertThat(process.waitFor()).isEqualTo(ExitCode.STORE_ERROR);
    assertThat(Files.readAllLines(errors)).hasSize(1);
    assertThat(Files.readString(errors)).startsWith("kvstore: cannot write");
  }

  @Test
  void aSignalEndsAnImportWithAPrefix() throws Exception {
    Path target = temporary.resolve("target");
    Process process = command("-d", target.toString(), "import", "-").start();
    OutputStream in = process.getOutputStream();
    for (int i = 0; i < 20_000; i++) {
      in.write(("{\"key\":\"k" + i + "\",\"value\":" + i + "}\n").getBytes(StandardCharsets.UTF_8));
    }
    in.flush();
    // More than pipes hold, so a part is in the store. The pipe stays open: the import waits for
    // more,
    // blocked in a read.
    process.toHandle().destroy();
    assertThat(process.waitFor()).isEqualTo(128 + 15);
    assertThat(Files.readAllLines(errors)).hasSize(1);
    assertThat(Files.readString(errors)).startsWith("kvstore: interrupted; the first ");
    try (KvStore store = KvStore.open(target)) {
      int size = Math.toIntExact(store.size());
      assertThat(size).isGreaterThanOrEqualTo(1000);
      assertThat(Files.readString(errors)).contains(" " + Units.count(size) + " record");
      for (int i = 0; i < size; i++) {
        assertThat(store.getLong("k" + i)).hasValue(i);
      }
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void keysAreExactInEveryLocale() throws Exception {
    ProcessBuilder set = builder("set", "ключ?", "значение");
    set.environment().put("LC_ALL", "C");
    assertThat(set.start().waitFor()).isZero();
    CommandRun inProcess = new CommandRun(directory);
    assertThat(inProcess.run("get", "ключ?").out()).isEqualTo("значение\n");
    ProcessBuilder get = builder("get", "ключ?");
    get.environment().put("LC_ALL", "C");
    Process process = get.start();
    assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .isEqualTo("значение\n");
  }

  private ProcessBuilder builder(String... args) {
    List<String> all = new ArrayList<>(List.of("--data-dir", directory.toString()));
    all.addAll(Arrays.asList(args));
    return command(all.toArray(new String[0]));
  }

  private ProcessBuilder command(String... args) {
    List<String> line =
        new ArrayList<>(
            List.of(
                System.getProperty("java.home") + "/bin/java",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    line.addAll(Arrays.asList(args));
    return new ProcessBuilder(line).redirectError(errors.toFile());
  }
}

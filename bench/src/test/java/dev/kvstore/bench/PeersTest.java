package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Every adapter does what the works ask of it, in a JVM with its own flags and no others.
class PeersTest {
  private static final int SECONDS_MAX = 120;

  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource
  void keepsWhatItWasGiven(PeerKind kind) throws Exception {
    assertThat(run(kind, "relaxed", "write")).isZero();
    // Also those whose adapter only carries it over.
    assertThat(run(kind, "relaxed", "read")).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void keepsDurablePuts(PeerKind kind) throws Exception {
    assumeTrue(kind.promises(Set.of(Promise.DURABLE_PUT)));
    assertThat(run(kind, "durable", "kill")).isEqualTo(PeerCheck.HALTED);
    assertThat(run(kind, "durable", "read")).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void survivesAKillIfItSaysSo(PeerKind kind) throws Exception {
    assumeTrue(kind.promises(Set.of(Promise.SURVIVES_KILL)));
    assertThat(run(kind, "relaxed", "kill")).isEqualTo(PeerCheck.HALTED);
    assertThat(run(kind, "relaxed", "read")).isZero();
  }

  @ParameterizedTest
  @EnumSource
  void refusesToBeDurableIfItIsNot(PeerKind kind) throws Exception {
    assumeTrue(!kind.promises(Set.of(Promise.DURABLE_PUT)));
    assertThat(run(kind, "durable", "write")).isEqualTo(1);
    assertThat(Files.readString(directory.resolve("out"))).contains("IllegalArgumentException");
  }

  @Test
  void eachKindOfStoreIsThere() {
    assertThat(Arrays.stream(PeerKind.values()).map(PeerKind::peerClass))
        .contains(PeerClass.values());
    assertThat(Arrays.stream(PeerKind.values()).map(PeerKind::word)).doesNotHaveDuplicates();
  }

  private int run(PeerKind kind, String durability, String what)
      throws IOException, InterruptedException {
    Path out = directory.resolve("out");
    Path store = Files.createDirectories(directory.resolve(durability));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx1g");
    command.addAll(kind.jvmFlags());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(PeerCheck.class.getName(), kind.name(), durability, store.toString(), what));
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()).start();
    if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("still running: " + Files.readString(out, StandardCharsets.UTF_8));
    }
    if (process.exitValue() != 0) {
      System.out.println(Files.readString(out, StandardCharsets.UTF_8));
    }
    return process.exitValue();
  }
}

package dev.kvstore.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.TortureShare;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Writers that may open few files, and often none at all; killed at it.
class KillsWithoutHandlesTest {
  private static final WriterCommand LIMITED =
      new WriterCommand(
          HoardingWriter.class,
          List.of("/bin/sh", "-c", "ulimit -n 64 && exec \"$@\"", "sh"),
          true);

  @TempDir private Path temporary;

  private TortureReport run(Runs runs, Duration time, int rounds) {
    Assumptions.assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "no shell to set a limit");
    TortureReport[] report = new TortureReport[1];
    Seed.fresh(random ->
        report[0] = runs.pass(Runs.options(temporary, time, rounds, random.nextLong()), LIMITED));
    return report[0];
  }

  @Test
  @Timeout(120)
  void writersWithoutFileHandlesLoseNothing() {
    assertThat(run(new Runs(), Duration.ofSeconds(60), 4).writes()).isPositive();
  }

  @Test
  @Tag("torture")
  void writersWithoutFileHandlesLoseNothingHoweverOften() {
    Runs runs = new Runs();
    run(runs, TortureShare.FILE_HANDLES.duration(), Integer.MAX_VALUE);
    TortureShare.FILE_HANDLES.report(runs.toString());
    if (runs.kills() >= 30) {
      assertThat(runs.undecided()).as("writes that met the limit").isPositive();
    }
  }
}

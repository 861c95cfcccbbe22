package dev.kvstore.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.TortureShare;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A writer is killed (`kill -9`) at moments of every kind, again and again on the same directory. After
/// each kill: every acknowledged write is there; the one under way is there as a whole or not at all;
/// nothing else is.
class KillRoundsTest {
  private static final int ROUNDS_IN_A_DIRECTORY = 100;

  @TempDir private Path temporary;

  @Test
  @Timeout(300)
  void killedWriterLosesNothingThatWasAcknowledged() {
    Runs runs = new Runs();
    Seed.fresh(random ->
        runs.pass(
            Runs.options(temporary, Duration.ofMinutes(4), 12, random.nextLong()),
            WriterCommand.USUAL));
    assertThat(runs.kills()).isEqualTo(12);
    assertThat(runs.writes()).as("writes that were acknowledged").isGreaterThan(100);
  }

  @Test
  @Tag("torture")
  void killedWriterLosesNothingHoweverOften() {
    Runs runs = new Runs();
    long begin = System.nanoTime();
    long length = TortureShare.KILLS.duration().toNanos();
    for (int directory = 0; System.nanoTime() - begin < length; directory++) {
      Path path = temporary.resolve("d" + directory);
      Duration left = Duration.ofNanos(length - (System.nanoTime() - begin));
      Seed.fresh(random ->
          runs.pass(
              Runs.options(path, left, ROUNDS_IN_A_DIRECTORY, random.nextLong()),
              WriterCommand.USUAL));
    }
    TortureShare.KILLS.report(runs.toString());
    assertThat(runs.kills())
        .as("kills, of which there should be one every five seconds at least")
        .isGreaterThanOrEqualTo((int) (length / 5e9));
    if (runs.kills() >= ROUNDS_IN_A_DIRECTORY) {
      assertThat(runs.kills(Phase.WRITING)).isPositive();
      assertThat(runs.kills(Phase.OPENING)).isPositive();
      assertThat(runs.kills(Phase.CLOSING)).isPositive();
      assertThat(runs.kills(Phase.COMPACTING)).isPositive();
      assertThat(runs.rotating()).isPositive();
    }
  }
}

package dev.kvstore.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.TortureShare;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A writer is killed (`kill -9`) at moments of every kind, again and again on the same directory. After
/// each kill: every acknowledged write is there; the one under way is there as a whole or not at all;
/// nothing else is.
class KillRoundsTest {
  private static final int ROUNDS_IN_A_DIRECTORY = 100;

  /// What a short run must meet. One dozen of rounds in twenty leaves one of them out, and is followed by
  /// another; so many in a row do not.
  private static final Set<Phase> PHASES = Set.of(Phase.OPENING, Phase.WRITING, Phase.COMPACTING);

  private static final int DOZENS_MOST = 4;

  private static final Set<Phase> ALL_PHASES =
      Set.of(Phase.OPENING, Phase.WRITING, Phase.COMPACTING, Phase.CLOSING);

  /// Two cores that have nothing else to do take 0.7 seconds for a round; with a load of eight, 2.1.
  private static final Duration ROUND_MOST = Duration.ofSeconds(3);

  @TempDir private Path temporary;

  @Test
  @Timeout(300)
  void killedWriterLosesNothingThatWasAcknowledged() {
    Runs runs = new Runs();
    int dozens = 0;
    do {
      Path path = temporary.resolve("d" + dozens);
      Seed.fresh(random ->
          runs.pass(
              Runs.options(path, Duration.ofMinutes(4), 12, random.nextLong()),
              WriterCommand.USUAL));
      dozens++;
    } while (PHASES.stream().anyMatch(phase -> runs.kills(phase) == 0) && dozens < DOZENS_MOST);
    System.out.println("KillRoundsTest: " + runs);
    assertThat(runs.kills()).isEqualTo(12L * dozens);
    assertThat(runs.writes()).as("writes that were acknowledged").isGreaterThan(100);
    requireKills(runs, PHASES, 1);
  }

  private static void requireKills(Runs runs, Set<Phase> phases, long least) {
    for (Phase phase : phases) {
      assertThat(runs.kills(phase)).as("kills while " + phase).isGreaterThanOrEqualTo(least);
    }
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
        .as("kills, of which there should be one every three seconds at least")
        .isGreaterThanOrEqualTo(length / ROUND_MOST.toNanos());
    if (runs.kills() >= ROUNDS_IN_A_DIRECTORY) {
      requireKills(runs, ALL_PHASES, runs.kills() / 50);
      assertThat(runs.rotating()).isGreaterThanOrEqualTo(runs.kills() / 50);
    }
  }
}

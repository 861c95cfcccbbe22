package dev.kvstore.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.Durability;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/// Runs for tests, and their counts over several runs.
final class Runs {
  static final List<Durability> DURABILITIES =
      List.of(Durability.ALWAYS, Durability.every(Duration.ofMillis(3)), Durability.OS);

  private final Map<Phase, Long> kills = new EnumMap<>(Phase.class);
  private long rounds;
  private long rotating;
  private long writes;
  private long batches;
  private long deletes;
  private long refused;
  private long undecided;
  private long compactions;
  private long segments;
  private long tails;
  private long keys;

  /// Options of a run below a directory.
  static TortureOptions options(Path temporary, Duration duration, int rounds, long seed) {
    try {
      Files.createDirectories(temporary);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new TortureOptions(
        temporary.resolve("store"),
        temporary,
        duration,
        rounds,
        DURABILITIES,
        4,
        150,
        20_000,
        seed);
  }

  static TortureReport run(
      TortureOptions options, WriterCommand command, Consumer<TortureReport> listener) {
    try {
      return new Torture(options, command, listener).run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /// A run that must pass.
  TortureReport pass(TortureOptions options, WriterCommand command) {
    TortureReport report = run(options, command, soFar -> {});
    assertThat(report.verdict())
        .as("seed " + options.seed() + ", in " + options.work() + ": " + report)
        .isEqualTo(TortureReport.Verdict.PASSED);
    assertThat(report.problems()).isEmpty();
    assertThat(report.killsTotal()).isPositive();
    report.kills().forEach((phase, count) -> kills.merge(phase, count, Long::sum));
    rounds += report.rounds();
    rotating += report.killsWhileRotating();
    writes += report.writes();
    batches += report.batches();
    deletes += report.deletes();
    refused += report.writesRefused();
    undecided += report.writesUndecided();
    compactions += report.compactions();
    segments += report.segments();
    tails += report.tailsCut();
    keys += report.keysChecked();
    return report;
  }

  long kills() {
    return kills.values().stream().mapToLong(Long::longValue).sum();
  }

  long kills(Phase phase) {
    return kills.getOrDefault(phase, 0L);
  }

  long rotating() {
    return rotating;
  }

  long writes() {
    return writes;
  }

  long refused() {
    return refused;
  }

  long undecided() {
    return undecided;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%,d rounds, %,d kills %s, %,d of them while rotating; %,d writes acknowledged (%,d batches,"
            + " %,d deletes), %,d refused, %,d undecided; %,d compactions on demand, %,d segments, %,d"
            + " tails cut, %,d keys compared",
        rounds,
        kills(),
        kills,
        rotating,
        writes,
        batches,
        deletes,
        refused,
        undecided,
        compactions,
        segments,
        tails,
        keys);
  }
}

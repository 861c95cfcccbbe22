package dev.kvstore.torture;

import java.util.Locale;
import java.util.SplittableRandom;

/// When a writer is killed: so long after it came to a phase, if it still is at it.
///
/// @param skipped how often it comes there before that
record Aim(Phase phase, int skipped, long nanos) {
  private static final long MOMENT_NANOS_LEAST = 10_000;
  private static final long MOMENT_NANOS_MOST = 50_000_000;
  private static final long WRITING_NANOS_MOST = 600_000_000;

  static Aim random(SplittableRandom random) {
    return switch (random.nextInt(12)) {
      case 0, 1 -> new Aim(Phase.OPENING, 0, moment(random)); // what the kill before has left
      case 2 -> new Aim(Phase.OPENING, 1 + random.nextInt(4), moment(random));
      case 3, 4 -> new Aim(Phase.CLOSING, random.nextInt(3), moment(random));
      case 5, 6 -> new Aim(Phase.COMPACTING, random.nextInt(10), moment(random));
      default -> new Aim(Phase.WRITING, 0, random.nextLong(WRITING_NANOS_MOST));
    };
  }

  /// As likely between 10 and 100 microseconds as between 1 and 10 milliseconds.
  private static long moment(SplittableRandom random) {
    double ratio = (double) MOMENT_NANOS_MOST / MOMENT_NANOS_LEAST;
    return (long) (MOMENT_NANOS_LEAST * Math.pow(ratio, random.nextDouble()));
  }

  /// Whether the writer has to close and open the store again and again for this.
  boolean needsSessions() {
    return phase == Phase.CLOSING || (phase == Phase.OPENING && skipped > 0);
  }

  boolean isMet(Phase now) {
    return now == phase || (phase == Phase.WRITING && now == Phase.COMPACTING);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%.2f ms after it began %s",
        nanos / 1e6,
        phase.toString().toLowerCase(Locale.ROOT));
  }
}

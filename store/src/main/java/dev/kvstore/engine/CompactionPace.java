package dev.kvstore.engine;

/// How long background compaction rests after a piece of work, so that whoever uses the store keeps its
/// latency.
///
/// That callers suffer is seen by the compaction itself, without a clock around every call of theirs:
/// pieces of equal size take equally long, unless somebody else wants the processor or the disk. Pieces
/// are shorter than a scheduler's slice, so the quickest of the last ones tells how long one takes
/// undisturbed even if that never ends; how much longer they take on average is the *contention*.
///
/// Against that stands the *urgency*: 0 when there is just enough garbage to begin, 1 when there is a
/// twentieth more than that. The more urgent, the less rest; when garbage grows faster than it is freed,
/// there is none.
///
/// One thread at a time; the contention may be read by any.
final class CompactionPace {
  private static final int PIECES = 64;
  private static final double AVERAGED = 16;
  private static final double CONTENTION_IGNORED = 0.25;
  private static final double REST_FOR_CONTENTION = 4;

  /// Times the work: a tenth of the time is left to work in.
  private static final double REST_MOST = 9;

  private static final double URGENT = 0.05;

  private final double[] recent = new double[PIECES]; // nanoseconds for each byte
  private int pieces;
  private double average;
  private volatile double contention;

  /// Notes how long it took to copy a piece.
  void worked(long nanos, long bytes) {
    double cost = (double) nanos / bytes;
    recent[pieces++ % PIECES] = cost;
    double weight = Math.max(1 / AVERAGED, 1.0 / pieces);
    average += (cost - average) * weight;
    double best = cost;
    for (int i = 0; i < Math.min(pieces, PIECES); i++) {
      best = Math.min(best, recent[i]);
    }
    contention = best == 0 ? 0 : Math.max(0, average / best - 1);
  }

  /// How much longer work takes than undisturbed: 0 is not at all, 1 twice as long.
  double contention() {
    return contention;
  }

  /// How long to rest after so much work.
  long restAfter(long workNanos, double urgency) {
    double felt = Math.max(0, contention - CONTENTION_IGNORED);
    double rest = Math.min(REST_MOST, felt * REST_FOR_CONTENTION) * (1 - urgency);
    return (long) (workNanos * rest);
  }

  /// 0 to 1.
  ///
  /// @param enough how much garbage is enough to begin
  static double urgency(long garbage, long enough) {
    return enough == 0 ? 1 : Math.clamp(((double) garbage / enough - 1) / URGENT, 0, 1);
  }
}

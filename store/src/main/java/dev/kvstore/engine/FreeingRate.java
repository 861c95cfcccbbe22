package dev.kvstore.engine;

/// How fast compaction has been freeing garbage lately, whatever held it up.
///
/// Thread-safe; one thread compacts.
final class FreeingRate {
  private static final long LATELY_NANOS = 2_000_000_000;

  // Until it is known; counts less with every run.
  private static final double BYTES_GUESSED = 64 << 20;
  private static final double NANOS_GUESSED = 500_000_000;

  // Of the runs that have ended. All guarded by this.
  private double bytes = BYTES_GUESSED;
  private double nanos = NANOS_GUESSED;

  // Of the run that is under way.
  private boolean running;
  private long begunNanoTime;
  private long bytesByNow;

  /// A run begins.
  synchronized void begin() {
    running = true;
    begunNanoTime = System.nanoTime();
    bytesByNow = 0;
  }

  /// The run that is under way will have freed so much of what it has read.
  synchronized void progress(long freed) {
    bytesByNow = freed;
  }

  /// The run has ended.
  synchronized void end(long freed) {
    bytes += freed;
    nanos += System.nanoTime() - begunNanoTime;
    running = false;
    if (nanos > LATELY_NANOS) {
      bytes *= LATELY_NANOS / nanos / 2;
      nanos = LATELY_NANOS / 2.0;
    }
  }

  /// More than 0.
  synchronized double bytesPerSecond() {
    double now = nanos + (running ? System.nanoTime() - begunNanoTime : 0);
    return Math.max(1, (bytes + (running ? bytesByNow : 0)) * 1e9 / now);
  }
}

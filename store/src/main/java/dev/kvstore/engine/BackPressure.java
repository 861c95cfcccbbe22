package dev.kvstore.engine;

import java.util.Locale;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/// Slows writers down when compaction cannot keep up with them even at full speed, so that the space
/// a store takes has a bound. The last resort: it begins when the log is twice as long as the policy
/// lets it become.
///
/// The rule: from there on garbage may be made only so fast: at three times that length as fast as
/// compaction has been freeing it, at two and a half times twice as fast, at four times half as fast, and
/// so on. So the log does not stay much longer than three times that length. A write that makes garbage
/// returns when that was due. No write waits longer than [#WAIT_MOST_NANOS], so writing never stops.
///
/// - Threads: any may [#await], and look anew with [#update]; start and end are for the one who
///   compacts. Without pressure a write pays for one read of a field.
/// - A caller who is interrupted goes on at once, flag set.
final class BackPressure {
  static final long WAIT_MOST_NANOS = 50_000_000;

  private static final double BEGINS = 2; // times the length that the policy allows
  private static final double EXCESS_MOST = 16;

  /// Shorter waits are saved up for the next write, since a thread cannot be parked more precisely.
  private static final long WAIT_LEAST_NANOS = 200_000;

  /// Who has made little garbage for a while may make more for a moment; but not much more.
  private static final long SAVED_MOST_NANOS = 10_000_000;

  /// What is owed is forgotten beyond this, as when many writers wait their longest all the time.
  private static final long OWED_MOST_NANOS = 10 * WAIT_MOST_NANOS;

  private final LongAdder waitedNanos = new LongAdder();

  /// How far apart bytes of garbage must be; 0 without pressure.
  private volatile double nanosPerByte;

  // Guarded by this.
  private boolean compacting;
  private long paidGarbage; // by all writes, up to here
  private long paidUntil; // the time at which the garbage up to there was due
  private boolean begun;

  /// From now on there may be pressure: somebody is going to free what there is too much of.
  synchronized void start() {
    compacting = true;
  }

  /// Looks whether there must be pressure, and how much. Any thread.
  ///
  /// @param length of the log
  /// @param allowed length at which the policy wants compaction to begin
  /// @param freedPerSecond garbage that compaction has been freeing; more than 0
  synchronized void update(long length, long allowed, double freedPerSecond) {
    double excess = Math.clamp((double) length / allowed - BEGINS, 0, EXCESS_MOST);
    nanosPerByte = compacting ? excess * 1e9 / freedPerSecond : 0;
    if (nanosPerByte == 0) {
      begun = false;
    }
  }

  /// Nobody waits any more.
  synchronized void end() {
    compacting = false;
    begun = false;
    nanosPerByte = 0;
  }

  boolean isOn() {
    return nanosPerByte != 0;
  }

  /// Waits until the garbage that has been made was due.
  ///
  /// @param garbage bytes that all writes have made, the caller's included
  void await(long garbage) {
    double price = nanosPerByte;
    if (price == 0) {
      return;
    }
    long start = System.nanoTime();
    long wait = Math.min(WAIT_MOST_NANOS, pay(garbage, price, start) - start);
    if (wait < WAIT_LEAST_NANOS) {
      return;
    }
    long now = start;
    while (now - start < wait && isOn() && !Thread.currentThread().isInterrupted()) {
      LockSupport.parkNanos(this, Math.min(wait - (now - start), WAIT_MOST_NANOS / 5));
      now = System.nanoTime();
    }
    waitedNanos.add(now - start);
  }

  /// Adds what has been made since the last write to what is owed.
  ///
  /// @return when it is due
  private synchronized long pay(long garbage, double price, long now) {
    if (!begun) {
      begun = true;
      paidGarbage = garbage;
      paidUntil = now;
    }
    long more = Math.max(0, garbage - paidGarbage);
    paidGarbage += more;
    paidUntil = Math.max(paidUntil, now - SAVED_MOST_NANOS) + (long) (more * price);
    paidUntil = Math.min(paidUntil, now + OWED_MOST_NANOS);
    return paidUntil;
  }

  /// How long writers have waited in all.
  long waitedNanos() {
    return waitedNanos.sum();
  }

  /// What it does, for people; empty while it does nothing.
  String describe() {
    double price = nanosPerByte;
    return price == 0
        ? ""
        : String.format(
            Locale.ROOT,
            "; writers wait: garbage may grow by %.1f MiB per second, they have waited %d ms in all",
            1e9 / price / (1 << 20),
            waitedNanos() / 1_000_000);
  }
}

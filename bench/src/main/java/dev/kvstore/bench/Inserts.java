package dev.kvstore.bench;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/// Numbers of keys that several threads insert, and up to which of them all are in the store: the
/// latest key that may be asked for. As YCSB's `AcknowledgedCounterGenerator`.
final class Inserts {
  /// So far others may get ahead of an insert that is under way; then they wait for it.
  private static final int WINDOW = 1 << 16;

  private final AtomicLong next;
  private final AtomicIntegerArray done = new AtomicIntegerArray(WINDOW);
  private final ReentrantLock advance = new ReentrantLock();
  private volatile long end;

  /// @param first the first number that is not in the store
  Inserts(long first) {
    next = new AtomicLong(first);
    end = first;
  }

  /// The number to insert now.
  long begin() {
    long number = next.getAndIncrement();
    while (number - end >= WINDOW) {
      Thread.onSpinWait();
    }
    return number;
  }

  /// The key of this number is in the store.
  void end(long number) {
    done.set(place(number), 1);
    // Whoever holds the lock may have looked already, so it looks again after it let go.
    do {
      if (!advance.tryLock()) {
        return;
      }
      try {
        long all = end;
        while (done.get(place(all)) == 1) {
          done.set(place(all), 0);
          all++;
        }
        end = all;
      } finally {
        advance.unlock();
      }
    } while (done.get(place(end)) == 1);
  }

  /// All keys below this number are in the store.
  long end() {
    return end;
  }

  private static int place(long number) {
    return (int) number & (WINDOW - 1);
  }
}

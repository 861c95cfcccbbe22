package dev.kvstore.engine;

import dev.kvstore.StoreException;
import dev.kvstore.engine.Workers.Worker;
import dev.kvstore.segment.Segment;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Decides when what is [Displaced] is settled; [SettlementPass] does it.
///
/// - Threads: passes run on threads of the store's own, one at a time; in the background on
///   `store-settle`.
/// - Failure: what cannot be read stays displaced, and the others are settled.
final class Settlement {
  /// Before it tries again in the background what could not be read.
  private static final long RETRY_NANOS = 10_000_000_000L;

  private final Displaced displaced;
  private final Supplier<SettlementPass> newPass;
  private final Workers workers;

  private final ReentrantLock turn = new ReentrantLock();
  private @Nullable SettlementPass pass; // made by the first turn; guarded by it
  private final AtomicBoolean coming = new AtomicBoolean();
  private volatile boolean ended;
  private volatile long notBefore = System.nanoTime();

  /// @param newPass makes what runs passes, which takes some MiB
  Settlement(Displaced displaced, Supplier<SettlementPass> newPass, Workers workers) {
    this.displaced = displaced;
    this.newPass = newPass;
    this.workers = workers;
  }

  // ---- When

  /// Has what is displaced settled soon, if it is much. Called after each write, without a lock.
  void lookIfDue() {
    if (!displaced.isDue() || ended || System.nanoTime() - notBefore < 0) {
      return;
    }
    if (coming.compareAndSet(false, true)) {
      boolean begun = false;
      try {
        begun = workers.run(Worker.SETTLE, this::settleInBackground);
      } catch (OutOfMemoryError noThread) {
        notBefore = System.nanoTime() + RETRY_NANOS;
      } finally {
        if (!begun) {
          coming.set(false);
        }
      }
    }
  }

  private void settleInBackground() {
    try {
      settle(null, () -> ended);
    } catch (StoreException | IllegalStateException | InternalError | OutOfMemoryError e) {
      notBefore = System.nanoTime() + RETRY_NANOS;
      if (!ended) {
        tell(e);
      }
    } finally {
      coming.set(false);
    }
  }

  /// Settles everything that is displaced now, for any thread.
  ///
  /// @throws StoreException if some of it cannot be read; the rest is settled
  void settleAll() {
    if (!displaced.isEmpty()) {
      workers.callOn(
          "store-settle",
          () -> {
            settle(null, () -> false);
            return true;
          });
    }
  }

  /// Settles everything that is displaced in these segments. On a thread of the store's own.
  ///
  /// @throws StoreException if some of it cannot be read; the rest is settled
  void settle(Collection<Segment> some) {
    settle(Set.copyOf(some), () -> false);
  }

  /// Settles everything that is displaced now. On a thread of the store's own.
  ///
  /// @return whether nothing is left
  boolean settleWhatCanBeRead() {
    try {
      settle(null, () -> false);
      return true;
    } catch (StoreException | OutOfMemoryError e) {
      tell(e);
      return false;
    }
  }

  private static void tell(Throwable e) {
    System.getLogger(Settlement.class.getName())
        .log(
            System.Logger.Level.WARNING,
            "replaced records cannot be read: their space is not known, a close writes no image: {0}",
            e.getMessage());
  }

  /// Nothing of these segments is displaced from now on; of none if there are none.
  void exclude(Collection<Segment> some) {
    displaced.exclude(some);
  }

  /// Ends what is under way in the background.
  @SuppressWarnings("LockNotBeforeTry") // a barrier, not a critical section
  void end() {
    ended = true;
    turn.lock(); // what is under way ends soon
    turn.unlock();
  }

  private void settle(@Nullable Set<Segment> only, BooleanSupplier stop) {
    if (displaced.isEmpty()) {
      return;
    }
    turn.lock();
    try {
      if (pass == null) {
        pass = newPass.get();
      }
      pass.run(only, stop);
    } finally {
      turn.unlock();
    }
  }
}

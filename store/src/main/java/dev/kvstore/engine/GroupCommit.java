package dev.kvstore.engine;

import dev.kvstore.Durability;
import dev.kvstore.StoreClosedException;
import dev.kvstore.StoreException;
import dev.kvstore.StoreFailedException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Makes writes durable, one force for all that wait.
///
/// Whoever waits pushes itself on a stack and sees to it that a round is coming. A round takes the
/// whole stack, looks how far the log has been written, forces that much, and releases all it took.
/// Writes that arrive during the force are the next round.
///
/// - Threads: any may wait. Rounds run one at a time: the first one in the platform thread that came
///   first, which so waits for the disk and for nobody else; if others have come meanwhile, the next
///   ones on `store-sync`, until nobody waits. Virtual threads and futures always leave it to
///   `store-sync`, since a force would hold their carrier. Inline, all rounds run in the thread that
///   waits.
/// - Failure: the first force that fails ends it. Everybody who waits gets [StoreFailedException], the
///   store takes no more writes, and no force is ever tried again: a second one may succeed although
///   the pages of the first were dropped (Rebello et al., "Can Applications Recover from fsync
///   Failures?", USENIX ATC 2020).
final class GroupCommit {
  /// What the log must be able to do for a round.
  interface Forceable {
    /// The last sequence that has been appended.
    long lastSequence();

    /// Makes everything durable that was appended before this call. Any thread may call this, also one
    /// that somebody interrupts.
    void force();

    /// Is told after a force that [#durableSequence] has grown, before anybody is released.
    void forced();
  }

  /// Somebody who waits: a parked thread or a future.
  private static final class Waiter {
    private final @Nullable Thread thread;
    private final @Nullable CompletableFuture<Long> future;
    private final long sequence;

    // Written before the waiter is published by the stack's CAS.
    private @Nullable Waiter next;
    private int depth; // of the stack from here on

    private volatile boolean done;

    Waiter(long sequence, @Nullable Thread thread, @Nullable CompletableFuture<Long> future) {
      this.sequence = sequence;
      this.thread = thread;
      this.future = future;
    }
  }

  /// The longest that anybody waits for company: a force that once took seconds shall not cost that again.
  private static final long COMPANY_NANOS_MAX = 5_000_000;

  private final Forceable log;
  private final Workers workers;
  private final boolean inline;

  private final AtomicReference<@Nullable Waiter> waiters = new AtomicReference<>();
  private final AtomicBoolean roundComing = new AtomicBoolean();
  private final AtomicLong syncs = new AtomicLong();

  // Written by rounds only.
  private volatile long durableSequence;
  private volatile boolean forceFailed;
  private int lastBatch; // how many the last round released; handed on with roundComing
  private long lastForceNanos;

  // The shortest interval that any write has asked for; 0 while none has.
  private volatile long intervalNanos;

  // Written once.
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile boolean ending;
  private volatile boolean ended;

  // Written under threadLock, which is never held for long.
  private final Object threadLock = new Object();
  private volatile @Nullable Thread thread;

  /// Whether the one who set roundComing has left the next round to the thread.
  private volatile boolean turnIsThreads;

  GroupCommit(Forceable log, Workers workers, long durableSequence) {
    this.log = log;
    this.workers = workers;
    this.inline = workers.isInline();
    this.durableSequence = durableSequence;
  }

  /// Waits until a write is as durable as asked for.
  void await(long sequence, Durability durability) {
    switch (durability) {
      case Durability.Always always -> await(sequence);
      case Durability.Every(var interval) -> forceEvery(interval.toNanos());
      case Durability.Os os -> {}
    }
  }

  private void forceEvery(long nanos) {
    if ((thread != null || inline) && intervalNanos != 0 && intervalNanos <= nanos) {
      return;
    }
    synchronized (threadLock) {
      intervalNanos = intervalNanos == 0 ? nanos : Math.min(intervalNanos, nanos);
    }
    try {
      startThread();
    } catch (OutOfMemoryError noThread) {
      force(); // sooner than asked for; the next write tries again to have a thread
      throwIfFailed();
      return;
    }
    LockSupport.unpark(thread);
  }

  /// Waits until everything up to a sequence is durable.
  void await(long sequence) {
    if (durableSequence >= sequence) {
      return;
    }
    Waiter waiter = new Waiter(sequence, Thread.currentThread(), null);
    push(waiter);
    parkUntilDone(waiter);
    if (durableSequence < sequence) {
      throwIfFailed();
      throw new StoreClosedException("the store was closed before the write was durable");
    }
  }

  private void parkUntilDone(Waiter waiter) {
    boolean interrupted = false;
    try {
      while (!waiter.done) {
        throwIfFailed();
        LockSupport.park(this);
        interrupted |= Thread.interrupted();
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /// A future that completes with the sequence once it is as durable as asked for.
  CompletableFuture<Long> whenDurable(long sequence, Durability durability) {
    if (!(durability instanceof Durability.Always) || durableSequence >= sequence) {
      await(sequence, durability);
      return CompletableFuture.completedFuture(sequence);
    }
    CompletableFuture<Long> future = new CompletableFuture<>();
    push(new Waiter(sequence, null, future));
    if (failure.get() != null) {
      release(waiters.getAndSet(null));
    }
    return future;
  }

  private void push(Waiter waiter) {
    Waiter top;
    do {
      top = waiters.get();
      waiter.next = top;
      waiter.depth = top == null ? 1 : top.depth + 1;
    } while (!waiters.compareAndSet(top, waiter));
    if (ended) {
      release(waiters.getAndSet(null));
    } else if (roundComing.compareAndSet(false, true)) {
      if (inline) {
        rounds();
      } else if (waiter.thread == null || waiter.thread.isVirtual()) {
        wakeThread();
      } else {
        round();
        if (isRoundDue()) {
          wakeThread();
        }
      }
    }
  }

  /// Hands the turn over to the thread; makes the rounds itself if there can be none.
  private void wakeThread() {
    if (thread == null) {
      try {
        startThread();
      } catch (OutOfMemoryError noThread) {
        rounds();
        return;
      }
    }
    turnIsThreads = true;
    LockSupport.unpark(thread);
  }

  private void startThread() {
    synchronized (threadLock) {
      if (thread == null && !inline && !ending) {
        thread = workers.start("store-sync", this::loop);
      }
    }
  }

  private void loop() {
    long forcedAt = System.nanoTime();
    while (!ending) {
      long interval = intervalNanos;
      long left = interval - (System.nanoTime() - forcedAt);
      if (turnIsThreads) {
        turnIsThreads = false;
        rounds();
      } else if (interval == 0) {
        LockSupport.park(this);
      } else if (left > 0) {
        LockSupport.parkNanos(this, left);
      } else {
        forcedAt = System.nanoTime();
        force();
      }
    }
    if (turnIsThreads) {
      rounds();
    }
  }

  /// Forces until nobody waits any more.
  private void rounds() {
    do {
      round();
    } while (isRoundDue());
  }

  private void round() {
    awaitCompany();
    Waiter batch = waiters.getAndSet(null);
    if (batch != null) {
      long start = System.nanoTime();
      try {
        force();
      } finally {
        lastForceNanos = System.nanoTime() - start;
        lastBatch = batch.depth;
        release(batch);
      }
    }
  }

  /// Gives those whom the last round has released a part of the time of a force to come back with their
  /// next write: a force that begins for the first of them makes all others wait for two. Nobody waits
  /// for company who had none.
  @SuppressWarnings("ThreadPriorityCheck") // those who are to come may need this processor
  private void awaitCompany() {
    if (inline || lastBatch < 2) {
      return;
    }
    long start = System.nanoTime();
    long longest = Math.min(lastForceNanos / 2, COMPANY_NANOS_MAX);
    for (Waiter top = waiters.get();
        top != null && top.depth < lastBatch && System.nanoTime() - start < longest;
        top = waiters.get()) {
      Thread.yield();
    }
  }

  /// Ends the turn of whoever made the last round. True if it has another one: somebody may have pushed
  /// since the look at the stack, and seen that a round was still coming.
  private boolean isRoundDue() {
    roundComing.set(false);
    return waiters.get() != null && roundComing.compareAndSet(false, true);
  }

  /// One force of everything that is in the log now.
  private synchronized void force() {
    // Read before the force: what is appended during it may or may not be covered.
    long target = log.lastSequence();
    if (target <= durableSequence || failure.get() != null) {
      return;
    }
    try {
      log.force();
    } catch (Throwable e) {
      forceFailed = true;
      fail(e);
      return;
    }
    try {
      syncs.incrementAndGet();
      durableSequence = target;
      log.forced();
    } catch (Throwable e) {
      fail(e);
    }
  }

  /// Nobody is forgotten, whatever happens to one of them; threads first, since that cannot fail.
  private void release(@Nullable Waiter batch) {
    for (Waiter waiter = batch; waiter != null; waiter = waiter.next) {
      waiter.done = true;
      if (waiter.thread != null) {
        LockSupport.unpark(waiter.thread);
      }
    }
    for (Waiter waiter = batch; waiter != null; waiter = waiter.next) {
      if (waiter.future != null) {
        complete(waiter.future, waiter.sequence);
      }
    }
  }

  /// Completes a future where what hangs on it may call the store, wait and even close it: not on the
  /// thread that forces, and not under any lock of ours.
  private void complete(CompletableFuture<Long> future, long sequence) {
    boolean durable = durableSequence >= sequence;
    Runnable completion =
        () -> {
          if (durable) {
            future.complete(sequence);
          } else {
            future.completeExceptionally(notDurable());
          }
        };
    if (inline) {
      completion.run();
      return;
    }
    try {
      Thread.startVirtualThread(completion);
    } catch (OutOfMemoryError noThread) {
      completion.run();
    }
  }

  private StoreException notDurable() {
    Throwable cause = failure.get();
    return cause == null
        ? new StoreClosedException("the store was closed before the write was durable")
        : failed(cause);
  }

  // ---- Failure

  /// Ends all writing; the first cause stays.
  void fail(Throwable cause) {
    boolean first = failure.compareAndSet(null, cause);
    release(waiters.getAndSet(null));
    if (first) {
      System.getLogger(GroupCommit.class.getName())
          .log(System.Logger.Level.ERROR, "the store takes no more writes", cause);
    }
  }

  @Nullable Throwable failure() {
    return failure.get();
  }

  void throwIfFailed() {
    Throwable cause = failure.get();
    if (cause != null) {
      throw failed(cause);
    }
  }

  private static StoreFailedException failed(Throwable cause) {
    return new StoreFailedException(
        "the store takes no more writes, because something failed that cannot be taken back: "
            + cause.getMessage()
            + "; reads go on; close it, see to the disk and open it again",
        cause);
  }

  // ---- State

  /// Whether there are no threads but the caller's.
  boolean isInline() {
    return inline;
  }

  long durableSequence() {
    return durableSequence;
  }

  long syncs() {
    return syncs.get();
  }

  /// 0 or 1, since there is no force after one that failed.
  long syncsFailed() {
    return forceFailed ? 1 : 0;
  }

  /// Forces what is left, releases everybody and ends the thread.
  void end() {
    if (!inline) {
      ending = true;
      Thread running = thread;
      if (running != null) {
        LockSupport.unpark(running);
        joinUninterruptibly(running);
      }
    }
    force();
    // Before the stack is taken: whoever pushes later sees it, whoever pushed is in it.
    ended = true;
    release(waiters.getAndSet(null));
  }

  private static void joinUninterruptibly(Thread running) {
    boolean interrupted = false;
    while (running.isAlive()) {
      try {
        running.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

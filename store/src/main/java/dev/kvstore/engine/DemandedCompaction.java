package dev.kvstore.engine;

import dev.kvstore.CompactionJob;
import dev.kvstore.CompactionReport;
import dev.kvstore.StoreCompactionException;
import dev.kvstore.StoreException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;

/// A compaction that somebody asked for.
final class DemandedCompaction implements CompactionJob, CompactionRun.Pacer {
  private final AtomicLong bytesDone = new AtomicLong();
  private final AtomicLong bytesTotal = new AtomicLong();
  private final CompletableFuture<CompactionReport> future = new CompletableFuture<>();
  private final Executor answers;
  private volatile boolean cancelled;
  private volatile boolean ended; // set by the worker, before anybody is told

  /// @param answers runs what hangs on the future, which may call the store
  DemandedCompaction(Executor answers) {
    this.answers = answers;
  }

  /// Whether it still does what somebody who asks now wants. Otherwise that takes another one.
  boolean isJoinable() {
    return !cancelled && !ended;
  }

  void addTotal(long bytes) {
    bytesTotal.addAndGet(bytes);
  }

  @Override
  public void at(long bytesRead, long bytesCopied) {
    if (cancelled) {
      throw new StoreCompactionException("the compaction was cancelled");
    }
    bytesDone.addAndGet(bytesRead);
  }

  /// Who asked for it does not want it to be slow.
  @Override
  public void rest() {}

  void complete(CompactionReport report) {
    answer(() -> future.complete(report));
  }

  void fail(StoreException e) {
    answer(() -> future.completeExceptionally(e));
  }

  private void answer(Runnable completion) {
    ended = true;
    try {
      answers.execute(completion);
    } catch (OutOfMemoryError noThread) {
      completion.run(); // or whoever waits would wait for ever
    }
  }

  @Override
  public long bytesDone() {
    return bytesDone.get();
  }

  @Override
  public long bytesTotal() {
    return bytesTotal.get();
  }

  @Override
  public void cancel() {
    cancelled = true;
  }

  @Override
  public CompletableFuture<CompactionReport> future() {
    return future;
  }

  @Override
  public CompactionReport join() {
    return Workers.await(future);
  }
}

package dev.kvstore.engine;

import dev.kvstore.CompactionJob;
import dev.kvstore.CompactionReport;
import dev.kvstore.StoreCompactionException;
import dev.kvstore.StoreException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/// A compaction that somebody asked for.
final class DemandedCompaction implements CompactionJob, CompactionRun.Pacer {
  private final AtomicLong bytesDone = new AtomicLong();
  private final AtomicLong bytesTotal = new AtomicLong();
  private final CompletableFuture<CompactionReport> future = new CompletableFuture<>();
  private volatile boolean cancelled;

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
    Thread.startVirtualThread(() -> future.complete(report));
  }

  void fail(StoreException e) {
    Thread.startVirtualThread(() -> future.completeExceptionally(e));
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

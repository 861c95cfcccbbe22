package dev.kvstore;

import java.util.concurrent.CompletableFuture;

/// A compaction on demand that is under way. Safe for use by many threads.
public interface CompactionJob {
  /// Bytes of segments dealt with so far.
  long bytesDone();

  /// Bytes of segments to deal with in all; may grow while writers go on.
  long bytesTotal();

  /// Asks the job to stop. Where it copies, it does so within 1 MiB of log, or one record if that is
  /// longer. What it has finished stays, what it was at is dropped.
  void cancel();

  /// Completes with the report, or with [StoreCompactionException] if the job failed or was
  /// cancelled.
  CompletableFuture<CompactionReport> future();

  /// Waits for the end; an interrupt does not end the wait.
  ///
  /// @throws StoreCompactionException if the job failed or was cancelled
  /// @throws StoreClosedException if the store was closed meanwhile
  CompactionReport join();
}

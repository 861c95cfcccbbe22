package dev.kvstore.segment;

import dev.kvstore.io.FileHandle;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/// Forces a file piece by piece while it is being written: the disk works while the writer does, and
/// others who force meanwhile wait for one piece at most.
///
/// - Threads: one writes and calls; the forces are somebody else's, one at a time.
/// - Failure: what a force has thrown is thrown by [#forceAll], as it is; the file is not forced again
///   then, since the second may succeed although the pages of the first were dropped.
final class ForceBehind {
  private static final long PIECE_BYTES = 8L << 20;

  private final FileHandle file;
  private final Executor executor;
  private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);
  private long asked; // bytes of the file that have been written before a force

  /// @param executor may run a task at once, or refuse it
  ForceBehind(FileHandle file, Executor executor) {
    this.file = file;
    this.executor = executor;
  }

  /// The file has been written so far.
  void written(long bytes) {
    if (bytes - asked >= PIECE_BYTES && last.isDone() && !last.isCompletedExceptionally()) {
      asked = bytes;
      try {
        last = CompletableFuture.runAsync(file::force, executor);
      } catch (RejectedExecutionException e) {
        // The store is being closed; what has been written is forced at the end or not needed.
      }
    }
  }

  /// Makes all that was written durable.
  void forceAll() {
    try {
      last.join();
    } catch (CompletionException e) {
      throw switch (e.getCause()) {
        case RuntimeException failed -> failed;
        case Error error -> throw error;
        case null, default -> e;
      };
    }
    file.force();
  }

  /// Waits until nobody forces any more.
  void await() {
    last.exceptionally(e -> null).join();
  }
}

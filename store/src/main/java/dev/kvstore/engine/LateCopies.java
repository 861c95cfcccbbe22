package dev.kvstore.engine;

import dev.kvstore.StoreIoException;
import dev.kvstore.index.HashIndex;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Gives an index whose pages are mapped from the image memory of its own, once the store is open; from
/// then on nothing that happens to the file matters.
///
/// - Threads: one of its own, which waits a moment first: who opens a store has something to do at
///   once, and may close it soon.
/// - Failure: pages that are lost before they were copied end all writing; the next open makes the index
///   anew.
final class LateCopies {
  private static final long DELAY_MILLIS = 100;

  private final HashIndex index;
  private final GroupCommit commit;
  private final CountDownLatch ended = new CountDownLatch(1);
  private @Nullable Future<Boolean> work;

  LateCopies(HashIndex index, GroupCommit commit) {
    this.index = index;
    this.commit = commit;
  }

  /// Has the copies made soon, if any are needed.
  void order(Workers workers) {
    if (!index.isMapped()) {
      return;
    }
    try {
      work = workers.begin("store-load", () -> copy(workers.isInline() ? 0 : DELAY_MILLIS));
    } catch (OutOfMemoryError noThread) {
      // As if it had failed.
    }
  }

  private boolean copy(long delayMillis) throws InterruptedException {
    if (ended.await(delayMillis, TimeUnit.MILLISECONDS)) {
      return false;
    }
    try {
      index.own(() -> ended.getCount() == 0);
      return true;
    } catch (StoreIoException lost) {
      commit.fail(lost);
      return false;
    } catch (OutOfMemoryError e) {
      return false; // the mapping is as good, as long as nobody cuts the file
    }
  }

  /// Leaves what has not been copied.
  void end() {
    ended.countDown();
    Future<Boolean> begun = work;
    if (begun != null) {
      Workers.await(begun);
    }
  }
}

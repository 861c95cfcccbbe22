package dev.kvstore.engine;

import dev.kvstore.StoreIoException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import java.util.function.Supplier;

/// The file `RESERVE`: blocks that are kept for the day when the disk is full, so that what frees space
/// in the end, deletes and compaction, can still write the little it needs. Holds zeros.
///
/// Threads: any of the store's own.
final class Reserve {
  static final String NAME = "RESERVE";

  private static final long LEAST_BYTES = 16L << 10;
  private static final long MOST_BYTES = 1L << 20;

  private final Directory directory;

  Reserve(Directory directory) {
    this.directory = directory;
  }

  /// Sees to it that the reserve is there, in proportion to the store. A disk that has no room for it
  /// now is asked again the next time.
  synchronized void keep(long storeBytes) {
    long wanted = Math.clamp(storeBytes / 64 & -4096L, LEAST_BYTES, MOST_BYTES);
    try {
      boolean there = directory.list().contains(NAME);
      try (FileHandle file = there ? directory.open(NAME, Access.WRITE) : directory.create(NAME)) {
        long size = file.size();
        if (size > wanted) {
          file.cut(wanted);
        } else if (size < wanted) {
          file.fillZero(size, wanted);
        }
      }
    } catch (StoreIoException e) {
      System.getLogger(Reserve.class.getName())
          .log(System.Logger.Level.DEBUG, "no reserve at present: {0}", e.getMessage());
    }
  }

  /// Does something that frees space in the end; on a full disk, once more without the reserve.
  <T> T tapped(Supplier<T> work) {
    try {
      return work.get();
    } catch (StoreIoException e) {
      if (!e.isNoSpace() || !release()) {
        throw e;
      }
      return work.get();
    }
  }

  private synchronized boolean release() {
    if (!directory.list().contains(NAME)) {
      return false;
    }
    directory.remove(NAME);
    return true;
  }
}

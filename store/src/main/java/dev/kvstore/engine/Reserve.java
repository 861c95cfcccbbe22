package dev.kvstore.engine;

import dev.kvstore.StoreIoException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.io.Preallocation;
import java.util.function.Supplier;

/// The file `RESERVE`: blocks that are kept for the day when the disk is full, so that what frees space
/// in the end, deletes and compaction, can still write the little it needs. Holds zeros.
///
/// Threads: any of the store's own.
final class Reserve {
  static final String NAME = "RESERVE";

  private static final long LEAST_BYTES = 16L << 10;
  private static final long MOST_BYTES = 16L << 20;

  private final Directory directory;

  // Guarded by this.
  private long wanted = LEAST_BYTES;

  private volatile boolean whole;

  Reserve(Directory directory) {
    this.directory = directory;
  }

  /// Sees to it that the reserve is there, in proportion to the store. A disk that has no room for it
  /// now is asked again the next time.
  synchronized void keep(long storeBytes) {
    wanted = Math.clamp(storeBytes / 16 & -8192L, LEAST_BYTES, MOST_BYTES);
    fill();
  }

  private synchronized void fill() {
    try {
      boolean there = directory.list().contains(NAME);
      try (FileHandle file = there ? directory.open(NAME, Access.WRITE) : directory.create(NAME)) {
        long size = file.size();
        if (size > wanted) {
          file.cut(wanted);
        } else if (size < wanted) {
          file.fillZero(size, wanted, Preallocation.FORCED_RARELY);
        }
      }
      whole = true;
    } catch (StoreIoException e) {
      whole = false;
      System.getLogger(Reserve.class.getName())
          .log(System.Logger.Level.DEBUG, "no reserve at present: {0}", e.getMessage());
    }
  }

  /// Whether nothing of it has been used since it was last complete: else the disk is full, and what can be
  /// done without should be.
  boolean isWhole() {
    return whole;
  }

  /// Who asks, and what must be left for the others.
  enum Use {
    /// Deletes: without compaction they free nothing.
    DELETES(2),
    /// Copies of compaction: without a manifest that says so they free nothing.
    COPIES(16),
    /// What the rest hangs on, and what takes little and gives it back at once.
    MANIFEST(0);

    private final int partLeft;

    Use(int partLeft) {
      this.partLeft = partLeft;
    }
  }

  /// Does something that frees space in the end; on a full disk, once more without what it may have of
  /// the reserve.
  <T> T tapped(Use use, Supplier<T> work) {
    try {
      return work.get();
    } catch (StoreIoException e) {
      if (!e.isNoSpace() || !isReleased(use, e)) {
        throw e;
      }
    }
    try {
      T done = work.get();
      if (use == Use.MANIFEST) {
        fill(); // the one before has given its blocks back
      }
      return done;
    } catch (StoreIoException e) {
      if (e.isNoSpace()) {
        fill(); // it was in vain: before the blocks go elsewhere
      }
      throw e;
    }
  }

  /// Whether blocks could be released. An error on the way does not hide that there is no space.
  private boolean isReleased(Use use, StoreIoException noSpace) {
    try {
      return release(use);
    } catch (StoreIoException e) {
      noSpace.addSuppressed(e);
      return false;
    }
  }

  private synchronized boolean release(Use use) {
    whole = false;
    if (!directory.list().contains(NAME)) {
      return false;
    }
    if (use.partLeft == 0) {
      directory.remove(NAME);
      return true;
    }
    long left = wanted / use.partLeft;
    try (FileHandle file = directory.open(NAME, Access.WRITE)) {
      if (file.size() <= left) {
        return false;
      }
      file.cut(left);
      return true;
    }
  }
}

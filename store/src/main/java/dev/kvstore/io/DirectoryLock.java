package dev.kvstore.io;

import dev.kvstore.StoreLockedException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Sees to it that a directory has one writer, or any number of readers.
///
/// Between processes: a lock of the operating system on the file `LOCK`, which ends with the process
/// that has it, in whatever way that ends; what the file says is for people and never decides.
/// Within this process: [#HELD], because POSIX locks belong to a process, not to whoever took them.
///
/// - Invariant: no file `LOCK` is opened while this process holds a lock on it, since closing *any*
///   descriptor of a file drops *all* locks that the process has on it. Hence the look into [#HELD]
///   before, and no other way to that file. A program that reads `LOCK` of a store it has open itself,
///   or copies it, loses the lock; nothing in here can prevent that.
/// - Threads: any.
final class DirectoryLock implements AutoCloseable {
  static final String NAME = "LOCK";

  /// The byte that is locked; far behind the text, which so stays readable where locks are mandatory.
  private static final long LOCKED_BYTE = 1L << 30;

  /// A directory that this process has, by its path and by what the file system calls it: the same
  /// one may be known by another path, and another one may have taken over the path.
  private static final class Holding {
    private final List<Object> keys;
    private final Access access;
    private final LockOwner owner;
    private final @Nullable FileChannel channel; // null: reading where there is no LOCK

    // Guarded by HELD.
    private int holders = 1;

    Holding(List<Object> keys, Access access, LockOwner owner, @Nullable FileChannel channel) {
      this.keys = keys;
      this.access = access;
      this.owner = owner;
      this.channel = channel;
    }
  }

  // Guarded by itself, also while a LOCK file is opened, locked or closed.
  private static final Map<Object, Holding> HELD = new HashMap<>();

  /// LOCK files that a second copy of this class, loaded by another class loader, has locked. To close
  /// ours would drop its lock, so they stay open, and serve the next attempt. Guarded by HELD.
  private static final Map<KeptOpen, FileChannel> NEVER_CLOSED = new HashMap<>();

  private record KeptOpen(Object key, Access access) {}

  private final Holding holding;

  // Guarded by HELD.
  private boolean closed;

  private DirectoryLock(Holding holding) {
    this.holding = holding;
  }

  /// Takes a directory, or throws at once.
  ///
  /// @param directory with links resolved
  static DirectoryLock take(Path directory, Access access) {
    synchronized (HELD) {
      List<Object> keys = keysOf(directory);
      for (Object key : keys) {
        Holding held = HELD.get(key);
        if (held != null) {
          return share(held, directory, access);
        }
      }
      Holding taken = acquire(directory, access, keys);
      for (Object key : keys) {
        HELD.put(key, taken);
      }
      return new DirectoryLock(taken);
    }
  }

  private static List<Object> keysOf(Path directory) {
    List<Object> keys = new ArrayList<>();
    keys.add(directory);
    try {
      Object fileKey = Files.readAttributes(directory, BasicFileAttributes.class).fileKey();
      if (fileKey != null) {
        keys.add(fileKey);
      }
    } catch (IOException e) {
      throw Failures.failed("lock the directory", directory, e);
    }
    return keys;
  }

  private static DirectoryLock share(Holding held, Path directory, Access access) {
    if (access == Access.WRITE || held.access == Access.WRITE) {
      throw new StoreLockedException(
          directory
              + " is open for "
              + (held.access == Access.WRITE ? "writing" : "reading")
              + " in this process already ("
              + held.owner
              + "); share that one object, or close it first",
          held.owner.pid());
    }
    held.holders++;
    return new DirectoryLock(held);
  }

  private static Holding acquire(Path directory, Access access, List<Object> keys) {
    KeptOpen kept = new KeptOpen(keys.getLast(), access);
    // Asked only if there are any: a JVM that has just started takes milliseconds to hash a record.
    FileChannel channel = NEVER_CLOSED.isEmpty() ? null : NEVER_CLOSED.get(kept);
    boolean foreign = channel != null;
    try {
      if (channel == null) {
        channel = openFile(directory.resolve(NAME), access);
      }
      LockOwner self = LockOwner.self();
      if (channel != null) {
        lock(channel, directory, access);
        if (access == Access.WRITE) {
          self.write(channel);
        }
      }
      if (!NEVER_CLOSED.isEmpty()) {
        NEVER_CLOSED.remove(kept);
      }
      return new Holding(keys, access, self, channel);
    } catch (OverlappingFileLockException e) {
      if (channel != null) {
        NEVER_CLOSED.put(kept, channel);
      }
      throw new StoreLockedException(
          directory + " is open in this process already, by another copy of this library",
          ProcessHandle.current().pid());
    } catch (IOException e) {
      closeUnlessForeign(channel, foreign, e);
      throw Failures.failed("lock " + NAME, directory, e);
    } catch (RuntimeException e) {
      closeUnlessForeign(channel, foreign, e);
      throw e;
    }
  }

  /// The file `LOCK`; null when it is to be read and is not there: nobody has ever opened this
  /// directory for writing, it is a copy or a backup, perhaps where nothing can be written.
  private static @Nullable FileChannel openFile(Path file, Access access) throws IOException {
    boolean there = Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    if (there && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException("it is not a regular file; remove it");
    }
    if (access == Access.WRITE) {
      Set<OpenOption> options =
          Set.of(
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              LinkOption.NOFOLLOW_LINKS);
      return FileChannel.open(file, options);
    }
    try {
      return there
          ? FileChannel.open(file, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))
          : null;
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private static void lock(FileChannel channel, Path directory, Access access) throws IOException {
    boolean shared = access == Access.READ;
    if (tryLock(channel, shared) != null) {
      return;
    }
    // Whoever shares with readers may be told from a writer by sharing with them for a moment.
    FileLock beside = shared ? null : tryLock(channel, true);
    if (beside != null) {
      beside.release();
      throw new StoreLockedException(
          directory
              + " is open for reading in another process, whose id is not known; close it there",
          LockOwner.UNKNOWN_PID);
    }
    LockOwner owner = LockOwner.read(channel);
    throw new StoreLockedException(
        directory
            + " is open in another process ("
            + owner
            + "); close it there or end that process, then try again",
        owner.pid());
  }

  private static @Nullable FileLock tryLock(FileChannel channel, boolean shared)
      throws IOException {
    return channel.tryLock(LOCKED_BYTE, 1, shared);
  }

  private static void closeUnlessForeign(
      @Nullable FileChannel channel, boolean foreign, Exception cause) {
    if (channel == null || foreign) {
      return;
    }
    try {
      channel.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  /// Gives the directory back once nobody in this process has it any more. May be repeated.
  @Override
  public void close() {
    synchronized (HELD) {
      if (closed) {
        return;
      }
      closed = true;
      if (--holding.holders > 0) {
        return;
      }
      holding.keys.forEach(key -> HELD.remove(key, holding));
      if (holding.channel != null) {
        try {
          holding.channel.close(); // and with it the lock
        } catch (IOException e) {
          throw Failures.failed("unlock " + NAME, (Path) holding.keys.getFirst(), e);
        }
      }
    }
  }
}

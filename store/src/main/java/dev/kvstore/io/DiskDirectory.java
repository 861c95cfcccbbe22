package dev.kvstore.io;

import dev.kvstore.StoreClosedException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A directory of the operating system.
///
/// - Threads: any number at once, but only threads that nobody interrupts; see [Directory].
/// - Lifecycle: [#open], then [#lock]; [#close] gives the lock back, and nothing is changed through
///   this object any more, so that a thread that comes late does no harm to the next owner.
/// - Names are file names of a fixed pattern, never paths, and never that of the lock file, which
///   belongs to [DirectoryLock]. What is opened must be a regular file and no symbolic link, so nothing
///   leads out of the directory, and no pipe or device keeps anybody waiting.
public final class DiskDirectory implements Directory {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

  private final Path path;
  private final Access access;

  // Guarded by this.
  private @Nullable DirectoryLock lock;

  // Written under this; read by whoever is about to change something.
  private volatile boolean closed;

  private DiskDirectory(Path path, Access access) {
    this.path = path;
    this.access = access;
  }

  /// Opens a directory, following links. Locks nothing yet.
  ///
  /// @param access READ: nothing in the directory can be changed through it
  /// @param create whether to make it, and all above it, if it is missing; only for writing
  /// @throws dev.kvstore.StoreStartupException if it cannot be used, with the reason
  public static DiskDirectory open(Path directory, Access access, boolean create) {
    boolean make = create && access == Access.WRITE;
    return new DiskDirectory(DirectoryStartup.prepare(directory, access, make), access);
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public List<String> list() {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
      for (Path entry : entries) {
        boolean directory = Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS);
        names.add(directory ? entry.getFileName() + "/" : entry.getFileName().toString());
      }
    } catch (DirectoryIteratorException e) {
      throw Failures.failed("list the directory", path, Objects.requireNonNull(e.getCause()));
    } catch (IOException e) {
      throw Failures.failed("list the directory", path, e);
    }
    return names;
  }

  @Override
  public boolean isFile(String name) {
    Path file = resolve(name);
    try {
      return attributes(file).isRegularFile();
    } catch (IOException e) {
      throw Failures.failed("look at " + name, file, e);
    }
  }

  @Override
  public FileHandle create(String name) {
    Path file = resolve(name);
    requireWritable();
    try {
      return new DiskFile(
          name,
          file,
          FileChannel.open(
              file,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE));
    } catch (IOException e) {
      throw Failures.failed("create " + name, file, e);
    }
  }

  @Override
  public FileHandle open(String name, Access access) {
    Path file = resolve(name);
    Set<OpenOption> options =
        switch (access) {
          case READ -> Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
          case WRITE -> {
            requireWritable();
            yield Set.of(
                StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
          }
        };
    try {
      requireRegular(name, file);
      return new DiskFile(name, file, FileChannel.open(file, options));
    } catch (IOException e) {
      throw Failures.failed("open " + name, file, e);
    }
  }

  @Override
  public FileHandle openForCopies(String name) {
    Path file = resolve(name);
    try {
      requireRegular(name, file);
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
      return new DiskFile(name, file, channel, true);
    } catch (IOException e) {
      return open(name, Access.READ); // which may still be allowed, or says what is wrong
    }
  }

  @Override
  public UncachedReader openUncached(String name) {
    Path file = resolve(name);
    try {
      requireRegular(name, file);
      return new DirectReader(name, file);
    } catch (IOException e) {
      throw Failures.failed("open " + name, file, e);
    }
  }

  /// Asked before the file is opened: to open a pipe is to wait for its other end.
  private static void requireRegular(String name, Path file) throws IOException {
    BasicFileAttributes attributes = attributes(file);
    if (attributes.isSymbolicLink()) {
      throw Failures.failed(
          "open " + name,
          file,
          "it is a symbolic link, which is never followed; put the file itself in its place");
    }
    if (!attributes.isRegularFile()) {
      throw Failures.failed("open " + name, file, "it is not a regular file");
    }
  }

  private static BasicFileAttributes attributes(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public void rename(String from, String to) {
    Path source = resolve(from);
    Path target = resolve(to);
    requireWritable();
    try {
      Files.move(source, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw Failures.failed("rename " + from + " to " + to, path, e);
    }
  }

  @Override
  public void remove(String name) {
    Path file = resolve(name);
    requireWritable();
    try {
      if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
        throw Failures.failed("remove " + name, file, "it is a directory");
      }
      Files.delete(file);
    } catch (IOException e) {
      throw Failures.failed("remove " + name, file, e);
    }
  }

  @Override
  public void force() {
    try {
      DirectoryForce.force(path);
    } catch (IOException e) {
      throw Failures.forceFailed("the directory", path, e);
    }
  }

  @Override
  public synchronized void lock(Access lockAccess) {
    if (lock != null) {
      throw new IllegalStateException("locked already: " + path);
    }
    if (lockAccess == Access.WRITE) {
      requireWritable();
    }
    requireOpen();
    lock = DirectoryLock.take(path, lockAccess);
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (lock != null) {
      lock.close();
      lock = null;
    }
  }

  private Path resolve(String name) {
    if (!NAME.matcher(name).matches() || name.equals(DirectoryLock.NAME)) {
      throw new IllegalArgumentException("not a name for a file of the store: " + name);
    }
    return path.resolve(name);
  }

  private void requireWritable() {
    if (access == Access.READ) {
      throw new IllegalStateException("opened for reading only: " + path);
    }
    requireOpen();
  }

  private void requireOpen() {
    if (closed) {
      throw new StoreClosedException("the directory was given back: " + path);
    }
  }
}

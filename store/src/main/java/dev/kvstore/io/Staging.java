package dev.kvstore.io;

import dev.kvstore.StoreIoException;
import dev.kvstore.StoreStartupException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// A directory that is filled out of sight, in a directory of its own inside the one that is wanted, and
/// then appears in that.
///
/// - Files are moved up one by one, the one that makes a store of them last. A crash at any time leaves
///   all of it, or something that nobody takes for it.
/// - Lifecycle: [#in], then either [#publish] or [#discard].
/// - One thread at a time, and nobody else in there.
public final class Staging {
  /// Where files are until they are published.
  public static final String NAME = "unfinished.tmp";

  private final Path target;
  private final Path staging;
  private final boolean targetWasMade;
  private final List<Path> moved = new ArrayList<>();

  private Staging(Path target, boolean targetWasMade) {
    this.target = target;
    this.staging = target.resolve(NAME);
    this.targetWasMade = targetWasMade;
  }

  /// Begins to fill a directory that is not there yet, or is empty.
  ///
  /// @param outside it must not be in this one, which has its links resolved
  /// @throws StoreStartupException if the directory cannot be used, with the reason; nothing has changed
  ///     then
  public static Staging in(Path directory, Path outside) {
    try {
      Path wanted = resolved(directory.toAbsolutePath().normalize());
      if (wanted.startsWith(outside)) {
        throw new StoreStartupException(
            directory
                + " is inside "
                + outside
                + ", which is to stay as it is; name another directory");
      }
      boolean isThere = Files.exists(wanted, LinkOption.NOFOLLOW_LINKS);
      if (isThere && Files.isDirectory(wanted)) {
        requireEmpty(directory, wanted);
      }
      Path target = DirectoryStartup.prepare(wanted, Access.WRITE, true);
      Staging staging = new Staging(target, !isThere);
      Files.createDirectory(staging.staging);
      return staging;
    } catch (IOException e) {
      throw Failures.failed("make a directory", directory, e);
    }
  }

  /// The path with the links in it resolved, also where its end does not exist yet.
  private static Path resolved(Path path) throws IOException {
    if (Files.exists(path)) {
      return path.toRealPath();
    }
    Path parent = path.getParent();
    return parent == null ? path : resolved(parent).resolve(path.getFileName());
  }

  private static void requireEmpty(Path directory, Path there) throws IOException {
    List<Path> files = files(there);
    if (files.isEmpty()) {
      return;
    }
    String name = files.getFirst().getFileName().toString();
    String unfinished = " of a copy that did not come to its end; remove that, or";
    throw new StoreStartupException(
        directory
            + " is not empty, it holds "
            + name
            + (name.equals(NAME) ? unfinished : ";")
            + " name a new directory");
  }

  /// Where to put the files.
  public Path path() {
    return staging;
  }

  /// Where they will be.
  public Path target() {
    return target;
  }

  /// Moves everything to where it was wanted. All of it is durable already; on return its names are too.
  ///
  /// @param last the file without which the others are nothing
  public void publish(String last) {
    try {
      Files.deleteIfExists(staging.resolve(DirectoryLock.NAME));
      for (Path file : files(staging)) {
        if (!file.endsWith(last)) {
          move(file);
        }
      }
      DirectoryForce.force(target);
      move(staging.resolve(last));
      DirectoryForce.force(target);
      Files.delete(staging);
      DirectoryForce.force(target);
    } catch (IOException e) {
      throw Failures.failed("put the files in place", target, e);
    }
  }

  private void move(Path file) throws IOException {
    Path place = target.resolve(file.getFileName());
    moved.add(place);
    Files.move(file, place, StandardCopyOption.ATOMIC_MOVE);
  }

  /// Removes everything that was made, also the directory itself if it was not there before.
  ///
  /// @param cause what the reader of an exception should know besides, if this fails
  public void discard(Throwable cause) {
    try {
      // What was moved last goes first: without it the others are nothing.
      for (Path file : moved.reversed()) {
        Files.deleteIfExists(file);
      }
      for (Path file : files(staging)) {
        Files.delete(file);
      }
      Files.deleteIfExists(staging);
      if (targetWasMade) {
        Files.delete(target);
      }
    } catch (IOException | StoreIoException e) {
      cause.addSuppressed(e);
    }
  }

  private static List<Path> files(Path directory) throws IOException {
    List<Path> files = new ArrayList<>();
    if (!Files.isDirectory(directory)) {
      return files;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(files::add);
      return files;
    } catch (DirectoryIteratorException e) {
      throw Objects.requireNonNull(e.getCause());
    }
  }
}

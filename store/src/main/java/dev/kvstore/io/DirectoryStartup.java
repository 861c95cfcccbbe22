package dev.kvstore.io;

import dev.kvstore.StoreStartupException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Objects;

/// Finds the directory of a store, or makes it, and sees to it that it can be used.
final class DirectoryStartup {
  private DirectoryStartup() {}

  /// The directory with links resolved. It is there, and on return it will be there after power loss.
  ///
  /// @throws StoreStartupException if it cannot be used as asked, with the reason
  static Path prepare(Path directory, Access access, boolean make) {
    if (!directory.getFileSystem().equals(FileSystems.getDefault())) {
      throw refused(directory, "a store needs files of the operating system");
    }
    try {
      Path absolute = directory.toAbsolutePath();
      if (make) {
        make(absolute);
      }
      requireUsable(absolute, access);
      return absolute.toRealPath();
    } catch (IOException e) {
      throw refused(directory, Failures.reason(e), e);
    }
  }

  /// Makes a directory and all above it that are missing, each durable before anything is put into
  /// it. An empty one may be what a crash left between making it and making it durable.
  private static void make(Path directory) throws IOException {
    Path parent = directory.getParent();
    if (parent == null) {
      return;
    }
    if (Files.isDirectory(directory)) {
      Path above = directory.toRealPath().getParent();
      if (above != null && Files.isReadable(directory) && isEmpty(directory)) {
        DirectoryForce.forceIfReadable(above);
      }
      return;
    }
    if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return; // not a directory: refused in a moment
    }
    make(parent);
    if (!Files.isDirectory(parent)) {
      throw refused(directory, parent + " is not a directory");
    }
    try {
      Files.createDirectory(directory);
    } catch (FileAlreadyExistsException e) {
      // Somebody else was faster.
    }
    DirectoryForce.forceIfReadable(parent);
  }

  private static boolean isEmpty(Path directory) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      return !entries.iterator().hasNext();
    } catch (DirectoryIteratorException e) {
      throw Objects.requireNonNull(e.getCause());
    }
  }

  private static void requireUsable(Path directory, Access access) {
    if (!Files.isDirectory(directory)) {
      throw refused(directory, whyNotDirectory(directory));
    }
    if (!Files.isReadable(directory) || !Files.isExecutable(directory)) {
      throw refused(directory, "it is not readable for this user");
    }
    if (access == Access.WRITE && !Files.isWritable(directory)) {
      throw refused(
          directory,
          "it is not writable for this user, or its disk is read-only; open it read-only, or change"
              + " its permissions");
    }
  }

  private static String whyNotDirectory(Path directory) {
    if (Files.exists(directory)) {
      return "it is a file, a directory was expected";
    }
    if (Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      return "it is a link that leads nowhere";
    }
    return "there is no such directory";
  }

  private static StoreStartupException refused(Path directory, String why) {
    return new StoreStartupException("cannot use " + directory + " as a store: " + why);
  }

  private static StoreStartupException refused(Path directory, String why, IOException cause) {
    return new StoreStartupException("cannot use " + directory + " as a store: " + why, cause);
  }
}

package dev.kvstore.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Makes the entries of a directory durable: names that were created, renamed or removed in it.
final class DirectoryForce {
  /// Windows does not open a directory as a file, and orders names by a journal of its own.
  private static final boolean CAN_OPEN_DIRECTORIES =
      !System.getProperty("os.name", "").startsWith("Windows");

  private DirectoryForce() {}

  static void force(Path directory) throws IOException {
    if (!CAN_OPEN_DIRECTORIES) {
      return;
    }
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      force(channel);
    }
  }

  /// The same for a directory above the store, which this user perhaps may not read.
  static void forceIfReadable(Path directory) throws IOException {
    try {
      force(directory);
    } catch (AccessDeniedException e) {
      // To open it takes more rights than to use it; what is not allowed cannot be done.
    }
  }

  private static void force(FileChannel channel) throws IOException {
    try {
      channel.force(true);
    } catch (IOException e) {
      // EINVAL: this file system has no such operation, as some network ones. Anything else failed.
      if (!"Invalid argument".equals(e.getMessage())) {
        throw e;
      }
    }
  }
}

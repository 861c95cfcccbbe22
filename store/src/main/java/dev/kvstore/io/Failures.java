package dev.kvstore.io;

import dev.kvstore.StoreIoException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// Turns what the JDK throws into the words of the store, naming file and operation.
final class Failures {
  private Failures() {}

  /// @param operation what was attempted, such as "write 4096 B at 8192"
  /// @param file the file it was attempted on
  static StoreIoException failed(String operation, Path file, IOException cause) {
    return new StoreIoException(
        "cannot " + operation + ": " + reason(cause) + " (" + file + ")", cause, isNoSpace(cause));
  }

  /// A force that failed, for want of space too, is no "no space": it must not be tried again.
  static StoreIoException forceFailed(String name, Path file, IOException cause) {
    return new StoreIoException(
        "cannot force " + name + ": " + reason(cause) + " (" + file + ")", cause);
  }

  /// For what no exception of the JDK stands behind.
  static StoreIoException failed(String operation, Path file, String reason) {
    return failed(operation, file, new IOException(reason));
  }

  /// The reason in words, without the file name that most of these messages begin with.
  static String reason(IOException cause) {
    return switch (cause) {
      case NoSuchFileException e -> "no such file";
      case FileAlreadyExistsException e -> "there is one already";
      case AccessDeniedException e -> "permission denied";
      case FileSystemException e when e.getReason() != null -> e.getReason();
      default -> cause.getMessage() == null ? cause.toString() : cause.getMessage();
    };
  }

  /// Whether the disk, or what this user may have of it, is full. The system tells only in words: of
  /// Linux, of the BSDs and macOS, of Windows.
  static boolean isNoSpace(IOException cause) {
    String reason = reason(cause);
    return reason.contains("No space left on device")
        || reason.contains("Disk quota exceeded")
        || reason.contains("Disc quota exceeded")
        || reason.contains("not enough space on the disk");
  }
}

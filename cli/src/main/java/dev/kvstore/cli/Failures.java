package dev.kvstore.cli;

import dev.kvstore.StoreException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreKeyException;
import dev.kvstore.StoreTooLargeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/// Turns whatever went wrong into one line on standard error and an exit code.
///
/// The whole story, with its stack traces, is told if `KVSTORE_DEBUG` is `1`.
final class Failures {
  private Failures() {}

  /// Tells what went wrong.
  ///
  /// @return the exit code
  static int report(Throwable failure, Streams streams) {
    if (failure instanceof OutputException output && output.isBrokenPipe()) {
      return ExitCode.BROKEN_PIPE;
    }
    warn(message(failure), streams);
    if (streams.env("KVSTORE_DEBUG").equals("1")) {
      failure.printStackTrace(streams.err());
    }
    return exitCode(failure);
  }

  /// Writes one line to standard error, whatever the message holds.
  static void warn(String message, Streams streams) {
    streams.err().println("kvstore: " + Escapes.message(message));
  }

  private static int exitCode(Throwable failure) {
    return switch (failure) {
      case BadInputException _ -> ExitCode.USAGE;
      case StoreKeyException _ -> ExitCode.USAGE;
      case StoreTooLargeException _ -> ExitCode.USAGE;
      case InvalidPathException _ -> ExitCode.USAGE;
      default -> ExitCode.STORE_ERROR;
    };
  }

  private static String message(Throwable failure) {
    return switch (failure) {
      case StoreIoException full when full.isNoSpace() -> saysNoSpace(text(full));
      case StoreException e -> text(e);
      case BadInputException e -> text(e);
      case OutputException e -> text(e);
      case InvalidPathException e ->
          "the path "
              + e.getInput()
              + " cannot be used here: "
              + e.getReason()
              + " (is the locale UTF-8?)";
      case UncheckedIOException e -> ofCause(e);
      case IOException e -> ofFile(e);
      case ArithmeticException e -> text(e);
      case OutOfMemoryError _ ->
          "not enough memory for this; give the JVM more, for example KVSTORE_JAVA_OPTS=-Xmx4g";
      default ->
          "unexpected "
              + failure.getClass().getName()
              + (failure.getMessage() == null ? "" : ": " + failure.getMessage())
              + "; KVSTORE_DEBUG=1 tells where";
    };
  }

  private static String ofCause(UncheckedIOException failure) {
    IOException cause = failure.getCause();
    return cause == null ? text(failure) : ofFile(cause);
  }

  private static String saysNoSpace(String message) {
    return message.contains("space") ? message : "no space left on the disk: " + message;
  }

  /// The exceptions of `java.nio.file` say no more than the name of a file.
  static String ofFile(IOException failure) {
    return switch (failure) {
      case NoSuchFileException e -> "there is no file " + e.getFile();
      case AccessDeniedException e -> "access to " + e.getFile() + " is denied";
      case NotDirectoryException e -> e.getFile() + " is not a directory";
      case FileAlreadyExistsException e -> e.getFile() + " is there already";
      case DirectoryNotEmptyException e -> e.getFile() + " is not empty";
      case FileSystemException e when e.getReason() != null -> e.getFile() + ": " + e.getReason();
      default -> text(failure);
    };
  }

  private static String text(Throwable failure) {
    String message = failure.getMessage();
    return message == null || message.isBlank() ? failure.getClass().getSimpleName() : message;
  }
}

package dev.kvstore.cli;

import java.io.IOException;
import java.io.UncheckedIOException;

/// Standard output does not take what is written to it.
final class OutputException extends UncheckedIOException {
  private static final long serialVersionUID = 1L;

  private final String reason;

  OutputException(IOException cause) {
    super("cannot write to standard output: " + cause.getMessage(), cause);
    reason = String.valueOf(cause.getMessage());
  }

  /// Whether the reader went away, which is its right and no error of ours.
  boolean isBrokenPipe() {
    return reason.contains("Broken pipe") || reason.contains("Connection reset");
  }
}

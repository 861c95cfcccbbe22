package dev.kvstore.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/// The verb needs a store, and there is none: exit code 3.
final class NoStoreException extends UncheckedIOException {
  private static final long serialVersionUID = 1L;

  NoStoreException(Path directory) {
    super(new IOException("there is no store in " + directory));
  }
}

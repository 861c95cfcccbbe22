package dev.kvstore.cli;

import dev.kvstore.Entry;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// Reads entries from a file, one after the other, without ever holding more than one of them.
///
/// What it returns a store accepts: keys and values are within their limits.
interface EntryReader {
  /// The next entry; null at the end.
  ///
  /// @throws BadLineException if there is none at this place; the next call goes on behind it
  @Nullable Entry next() throws IOException, BadLineException;

  /// How many bytes were taken from the file, for a progress bar.
  long bytesRead();
}

package dev.kvstore.cli;

import dev.kvstore.Entry;
import java.io.IOException;

/// Writes entries to a file in such a way that its [EntryReader] returns them byte for byte, with
/// their types.
interface EntryWriter extends AutoCloseable {
  void write(Entry entry) throws IOException;

  /// Writes what is buffered. The stream underneath stays open.
  @Override
  void close() throws IOException;
}

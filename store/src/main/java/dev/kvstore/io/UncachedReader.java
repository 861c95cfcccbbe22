package dev.kvstore.io;

/// Reads a file for whoever checks it: if possible from the disk itself, leaving the page cache as it is.
///
/// One thread opens, reads and closes it. Failures as for [Directory].
public interface UncachedReader extends AutoCloseable {
  /// Its length in bytes.
  long size();

  /// Reads exactly this many bytes.
  ///
  /// @throws dev.kvstore.StoreIoException also if the file ends before
  void read(long offset, byte[] target, int from, int length);

  @Override
  void close();
}

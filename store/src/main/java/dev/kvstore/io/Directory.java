package dev.kvstore.io;

import java.nio.file.Path;
import java.util.List;

/// The files of one directory; flat, names only, no paths.
///
/// - Threads: any, but only threads of the store's own that nobody interrupts: an interrupt inside a
///   file channel closes it for everybody. What any thread may call says so.
/// - Failure: every method throws [dev.kvstore.StoreIoException] naming the file; the state of the
///   file is then whatever the operating system left.
/// - Durability: a created, renamed or removed entry survives power loss only after [#force].
public interface Directory extends AutoCloseable {
  /// Where the directory is; links resolved.
  Path path();

  /// Names of all entries, in no particular order; those of subdirectories end with a slash.
  List<String> list();

  /// Whether an entry is a regular file and no symbolic link; nothing else can be opened.
  ///
  /// @throws dev.kvstore.StoreIoException also if there is no such entry
  boolean isFile(String name);

  /// Creates an empty file, open for reading and writing. Fails if there is one of that name.
  FileHandle create(String name);

  /// Opens a file that is there.
  FileHandle open(String name, Access access);

  /// Opens a file that is there for reading, so that [FileHandle#mapCopy] need not read if permissions
  /// allow that. Nothing is written, also in a directory that is open for reading only.
  FileHandle openForCopies(String name);

  /// Opens a file that is there for reading it without filling the page cache, if the system can.
  default UncachedReader openUncached(String name) {
    FileHandle file = open(name, Access.READ);
    return new UncachedReader() {
      @Override
      public long size() {
        return file.size();
      }

      @Override
      public void read(long offset, byte[] target, int from, int length) {
        file.read(offset, target, from, length);
      }

      @Override
      public void close() {
        file.close();
      }
    };
  }

  /// Renames a file, replacing the one that has the new name; all at once.
  void rename(String from, String to);

  /// Removes a file.
  void remove(String name);

  /// Makes the entries of the directory durable.
  void force();

  /// Takes the directory for one writer, or shares it among readers, until [#close].
  ///
  /// For writing, creates or rewrites the file `LOCK` with the owner's pid, host and start time. For
  /// reading, writes nothing.
  ///
  /// @throws dev.kvstore.StoreLockedException if somebody else has it
  void lock(Access access);

  /// Gives the lock back. Files stay open until they are closed themselves.
  @Override
  void close();
}

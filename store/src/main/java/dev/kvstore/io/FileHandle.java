package dev.kvstore.io;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// An open file. Threads and failures as for [Directory].
public interface FileHandle extends AutoCloseable {
  /// Its name in the directory, as of the time it was opened.
  String name();

  /// Its length in bytes.
  long size();

  /// Reads exactly this many bytes.
  ///
  /// @throws dev.kvstore.StoreIoException also if the file ends before
  void read(long offset, byte[] target, int from, int length);

  /// Reads exactly as many bytes as the target has, without another copy if that is off the heap.
  ///
  /// @throws dev.kvstore.StoreIoException also if the file ends before
  void read(long offset, MemorySegment target);

  /// Writes these bytes, lengthening the file if need be.
  void write(long offset, MemorySegment bytes);

  /// Writes zeros from `offset` up to `end`, so that the blocks are really there and a mapping of them
  /// never meets a full disk. Nothing before `offset` changes.
  ///
  /// @throws dev.kvstore.StoreIoException with `isNoSpace` if they do not fit; the file may be
  ///     longer than before, but not longer than `end`
  void fillZero(long offset, long end, Preallocation preallocation);

  /// The same for small writes.
  default void fillZero(long offset, long end) {
    fillZero(offset, end, Preallocation.FORCED_OFTEN);
  }

  /// Shortens the file to this size.
  void cut(long size);

  /// Makes contents and size durable, those written through a mapping included.
  void force();

  /// Makes a range of a mapping of this file durable, and what is needed to find it there. Any thread may
  /// call this, also one that somebody interrupts: it does not enter the file's channel.
  ///
  /// @param mapping as [#map] returned it
  void force(MemorySegment mapping, long from, long to);

  /// Maps the first `size` bytes; the file must be at least that long. Lives as long as the arena,
  /// independently of this handle.
  MemorySegment map(long size, Access access, Arena arena);

  /// What a range of the file holds, in memory of its own: who writes there changes no file. Lives as long
  /// as the arena, independently of this handle.
  ///
  /// Of a file opened by [Directory#openForCopies] this is a mapping, if the range begins at a multiple of
  /// 4096: pages are read when they are touched and copied when they are written to. Others who change the
  /// file may change what was not written to, and all of it is lost if they cut the file.
  ///
  /// @throws dev.kvstore.StoreIoException also if the file ends before
  MemorySegment mapCopy(long offset, long size, Arena arena);

  @Override
  void close();
}

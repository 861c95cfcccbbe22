package dev.kvstore.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.util.Objects;

/// A file of a [DiskDirectory].
///
/// - Threads: any number at once, but only threads that nobody interrupts; see [Directory].
/// - Failure: [StoreIoException] naming operation and file. An operation that failed may have been
///   done in part.
/// - Mappings are views of the file's own pages, so one [#force] covers them on Linux and macOS; on
///   macOS the force of a range may stay in the cache of the drive. Windows would need a flush of each
///   mapping first; the store is not supported there.
final class DiskFile implements FileHandle {
  /// How much goes through the JDK's temporary buffers at once.
  private static final int CHUNK_BYTES = 1 << 20;

  private static final int PAGE_BYTES = 4096;

  /// Never written to, so any number of threads share it through duplicates.
  private static final ByteBuffer ZEROS =
      ByteBuffer.allocateDirect(Preallocation.FORCED_RARELY.pieceBytes()).asReadOnlyBuffer();

  private final String name;
  private final Path path;
  private final FileChannel channel;
  private final boolean forCopies;

  DiskFile(String name, Path path, FileChannel channel) {
    this(name, path, channel, false);
  }

  /// @param forCopies whether the channel may be written to, which the JDK wants of one whose mappings
  ///     are, although nothing is
  DiskFile(String name, Path path, FileChannel channel, boolean forCopies) {
    this.name = name;
    this.path = path;
    this.channel = channel;
    this.forCopies = forCopies;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long size() {
    try {
      return channel.size();
    } catch (IOException e) {
      throw Failures.failed("tell the size of " + name, path, e);
    }
  }

  @Override
  public void read(long offset, byte[] target, int from, int length) {
    read(offset, MemorySegment.ofArray(target).asSlice(from, length));
  }

  @Override
  public void read(long offset, MemorySegment target) {
    long size = target.byteSize();
    try {
      for (long done = 0; done < size; ) {
        // In pieces: the JDK keeps a direct buffer of the largest size it was ever asked for.
        ByteBuffer piece = target.asSlice(done, Math.min(size - done, CHUNK_BYTES)).asByteBuffer();
        int count = channel.read(piece, offset + done);
        if (count < 0) {
          throw Failures.failed(
              "read " + size + " B at " + offset + " of " + name,
              path,
              "the file ends at " + (offset + done));
        }
        done += count;
      }
    } catch (IOException e) {
      throw Failures.failed("read " + size + " B at " + offset + " of " + name, path, e);
    }
  }

  @Override
  public void write(long offset, MemorySegment bytes) {
    long size = bytes.byteSize();
    try {
      for (long done = 0; done < size; ) {
        ByteBuffer piece = bytes.asSlice(done, Math.min(size - done, CHUNK_BYTES)).asByteBuffer();
        done += channel.write(piece, offset + done);
      }
    } catch (IOException e) {
      throw Failures.failed("write " + size + " B at " + offset + " of " + name, path, e);
    }
  }

  @Override
  public void fillZero(long offset, long end, Preallocation preallocation) {
    int pieceBytes = preallocation.pieceBytes();
    try {
      // Blocks between the end of the file and `offset` would be a hole.
      long at = Math.min(offset, channel.size());
      while (at < end) {
        // Up to the next multiple: a folio of that size begins at one.
        long piece = Math.min(end - at, pieceBytes - at % pieceBytes);
        at += channel.write(ZEROS.slice(0, (int) piece), at);
      }
    } catch (IOException e) {
      throw Failures.failed(
          "reserve " + (end - offset) + " B at " + offset + " of " + name, path, e);
    }
  }

  @Override
  public void cut(long size) {
    try {
      channel.truncate(size);
    } catch (IOException e) {
      throw Failures.failed("cut " + name + " to " + size + " B", path, e);
    }
  }

  @Override
  public void force() {
    try {
      channel.force(false); // fdatasync: the contents, and of the metadata the size
    } catch (IOException e) {
      throw Failures.forceFailed(name, path, e);
    }
  }

  /// `msync`, which on Linux is the `fdatasync` of a range.
  @Override
  public void force(MemorySegment mapping, long from, long to) {
    try {
      mapping.asSlice(from, to - from).force();
    } catch (UncheckedIOException e) {
      throw Failures.forceFailed(name, path, Objects.requireNonNull(e.getCause()));
    }
  }

  @Override
  public MemorySegment map(long size, Access access, Arena arena) {
    try {
      requireThere(size);
      MapMode mode =
          switch (access) {
            case READ -> MapMode.READ_ONLY;
            case WRITE -> MapMode.READ_WRITE;
          };
      return channel.map(mode, 0, size, arena);
    } catch (IOException e) {
      throw Failures.failed("map " + size + " B of " + name, path, e);
    }
  }

  @Override
  public MemorySegment mapCopy(long offset, long size, Arena arena) {
    if (!forCopies || offset % PAGE_BYTES != 0) {
      MemorySegment copy = arena.allocate(size, PAGE_BYTES);
      read(offset, copy);
      return copy;
    }
    try {
      requireThere(offset + size);
      return channel.map(MapMode.PRIVATE, offset, size, arena);
    } catch (IOException e) {
      throw Failures.failed("map " + size + " B at " + offset + " of " + name, path, e);
    }
  }

  /// The JDK would map beyond the end, and touching that ends in a fault; or lengthen the file.
  private void requireThere(long size) throws IOException {
    long there = channel.size();
    if (size > there) {
      throw Failures.failed(
          "map " + size + " B of " + name, path, "the file has only " + there + " B");
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw Failures.failed("close " + name, path, e);
    }
  }
}

package dev.kvstore.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;

/// A file of a [DiskDirectory].
///
/// - Threads: any number at once, but only threads that nobody interrupts; see [Directory].
/// - Failure: [StoreIoException] naming operation and file. An operation that failed may have been
///   done in part.
/// - Mappings are views of the file's own pages, so one [#force] covers them on Linux and macOS.
///   Windows would need a flush of each mapping first; the store is not supported there.
final class DiskFile implements FileHandle {
  /// How much goes through the JDK's temporary buffers at once.
  private static final int CHUNK_BYTES = 1 << 20;

  /// How many zeros are written at once. Linux makes the page cache's folios as large as the write that
  /// creates them, and a store through a mapping later dirties a whole folio: with writes of 1 MiB a
  /// force after 184 bytes wrote up to 1 MiB (2.9 k instead of 6.4 k forces per second on ext4), with
  /// writes of 4 KiB the first touch of each page costs a fault of its own (112 instead of 53 ns for
  /// each record of 184 bytes).
  private static final int ZERO_BYTES = 16 << 10;

  /// Never written to, so any number of threads share it through duplicates.
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(ZERO_BYTES).asReadOnlyBuffer();

  private final String name;
  private final Path path;
  private final FileChannel channel;

  DiskFile(String name, Path path, FileChannel channel) {
    this.name = name;
    this.path = path;
    this.channel = channel;
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
    ByteBuffer rest = ByteBuffer.wrap(target, from, length);
    long at = offset;
    try {
      while (rest.hasRemaining()) {
        // In pieces: the JDK keeps a direct buffer of the largest size it was ever asked for.
        ByteBuffer piece = rest.slice(rest.position(), Math.min(rest.remaining(), CHUNK_BYTES));
        int count = channel.read(piece, at);
        if (count < 0) {
          throw Failures.failed(
              "read " + length + " B at " + offset + " of " + name, path, "the file ends at " + at);
        }
        at += count;
        rest.position(rest.position() + count);
      }
    } catch (IOException e) {
      throw Failures.failed("read " + length + " B at " + offset + " of " + name, path, e);
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
  public void fillZero(long offset, long end) {
    try {
      // Blocks between the end of the file and `offset` would be a hole.
      long at = Math.min(offset, channel.size());
      while (at < end) {
        ByteBuffer piece = ZEROS.slice(0, (int) Math.min(end - at, ZERO_BYTES));
        at += channel.write(piece, at);
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

  @Override
  public MemorySegment map(long size, Access access, Arena arena) {
    try {
      long there = channel.size();
      if (size > there) {
        // For reading, the JDK would map beyond the end: touching that ends in a fault.
        throw Failures.failed(
            "map " + size + " B of " + name, path, "the file has only " + there + " B");
      }
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
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw Failures.failed("close " + name, path, e);
    }
  }
}

package dev.kvstore.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/// Reads whole blocks with `O_DIRECT`, in pieces of 256 KiB. A file system that does not know how, or that
/// fails to, is asked the usual way from then on.
final class DirectReader implements UncachedReader {
  private static final int BLOCK_BYTES = 4096;

  /// By name: javac warns at each build of who mentions it, and a modular program may come without its
  /// module, `jdk.unsupported`.
  private static final @Nullable OpenOption DIRECT = option("com.sun.nio.file.ExtendedOpenOption");

  private static final int BUFFER_BYTES = (256 << 10) + 2 * BLOCK_BYTES;

  private final String name;
  private final Path path;
  private final Arena arena = Arena.ofConfined(); // owned
  private final ByteBuffer buffer;
  private FileChannel channel;
  private boolean direct;

  private static @Nullable OpenOption option(String type) {
    try {
      for (Object constant : Class.forName(type).getEnumConstants()) {
        if (constant instanceof OpenOption option && constant.toString().equals("DIRECT")) {
          return option;
        }
      }
      return null;
    } catch (ClassNotFoundException e) {
      return null;
    }
  }

  /// Opens a regular file.
  DirectReader(String name, Path path) throws IOException {
    this.name = name;
    this.path = path;
    FileChannel opened = openDirect(path);
    direct = opened != null;
    channel = opened == null ? openUsual(path) : opened;
    buffer = arena.allocate(BUFFER_BYTES, BLOCK_BYTES).asByteBuffer();
  }

  private static @Nullable FileChannel openDirect(Path path) {
    if (DIRECT == null) {
      return null;
    }
    try {
      return FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS, DIRECT);
    } catch (IOException | UnsupportedOperationException e) {
      return null; // the file system cannot
    }
  }

  private static FileChannel openUsual(Path path) throws IOException {
    return FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
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
    for (int done = 0; done < length; ) {
      long at = offset + done;
      int skipped = (int) (at % BLOCK_BYTES);
      int piece = Math.min(length - done, BUFFER_BYTES - BLOCK_BYTES - skipped);
      fill(at - skipped, skipped + piece);
      MemorySegment.copy(
          MemorySegment.ofBuffer(buffer.clear()),
          ValueLayout.JAVA_BYTE,
          skipped,
          target,
          from + done,
          piece);
      done += piece;
    }
  }

  /// Reads so many bytes to the beginning of the buffer, and what is left of the last block.
  private void fill(long offset, int bytes) {
    try {
      if (direct) {
        try {
          fillFrom(offset, bytes);
          return;
        } catch (IOException e) {
          direct = false; // some file systems take the flag and fail then; a bad disk fails again
          channel.close();
          channel = openUsual(path);
        }
      }
      fillFrom(offset, bytes);
    } catch (IOException e) {
      throw Failures.failed("read " + bytes + " B at " + offset + " of " + name, path, e);
    }
  }

  private void fillFrom(long offset, int bytes) throws IOException {
    buffer.clear().limit((bytes + BLOCK_BYTES - 1) & -BLOCK_BYTES);
    while (buffer.position() < bytes) {
      int count = channel.read(buffer, offset + buffer.position());
      if (count < 0) {
        throw new IOException("the file ends at " + (offset + buffer.position()));
      }
    }
  }

  @Override
  public void close() {
    arena.close();
    try {
      channel.close();
    } catch (IOException e) {
      throw Failures.failed("close " + name, path, e);
    }
  }
}

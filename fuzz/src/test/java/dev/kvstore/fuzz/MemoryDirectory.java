package dev.kvstore.fuzz;

import dev.kvstore.StoreIoException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.io.Preallocation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// A directory in memory, for many opens a second; it keeps no secrets and forgets nothing.
///
/// It is strict where a file that lies could lead the store astray: no name is touched that is not the
/// store's, no mapping reaches beyond the end of its file, nothing is changed through a directory that
/// is locked for reading.
final class MemoryDirectory implements Directory {
  private static final Pattern OURS =
      Pattern.compile(
          "(MANIFEST|INDEX|RESERVE|RECOVERY\\.jsonl?|[0-9]{10,19}\\.hint)(\\.tmp)?|LOCK|[0-9]{10,19}\\.seg");

  /// A piece of one file that all files here share: pages are in memory, and mappings are real ones.
  ///
  /// Pieces are handed out in a circle, so that nothing need be given back: a directory is done with long
  /// before the circle is closed.
  private static final class Content {
    private static final long CIRCLE_BYTES = 128L << 20;
    private static final int PAGE_BYTES = 4096;
    private static final FileChannel SHARED = makeShared();
    private static final MemorySegment ALL =
        mapped(FileChannel.MapMode.READ_WRITE, 0, CIRCLE_BYTES, Arena.global());

    private static long next;

    private long at;
    private long room;
    private long size;

    private static FileChannel makeShared() {
      try {
        Path memory = Path.of("/dev/shm");
        Path file =
            Files.isWritable(memory)
                ? Files.createTempFile(memory, "kvstore-fuzz-", ".pages")
                : Files.createTempFile("kvstore-fuzz-", ".pages");
        return FileChannel.open(
            file,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static MemorySegment mapped(
        FileChannel.MapMode mode, long from, long bytes, Arena arena) {
      try {
        return SHARED.map(mode, from, bytes, arena);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static synchronized long take(long bytes) {
      if (bytes > CIRCLE_BYTES / 8) {
        throw new AssertionError("a file of " + bytes + " bytes");
      }
      if (next + bytes > CIRCLE_BYTES) {
        next = 0;
      }
      long taken = next;
      next += bytes;
      return taken;
    }

    MemorySegment bytes(long from, long count) {
      return ALL.asSlice(at + from, count);
    }

    MemorySegment map(FileChannel.MapMode mode, long bytes, Arena arena) {
      return mapped(mode, at, bytes, arena);
    }

    void grow(long wanted) {
      if (wanted > room) {
        long larger = Math.max(wanted, 2 * size) + PAGE_BYTES - 1 & -PAGE_BYTES;
        long target = take(larger);
        MemorySegment.copy(ALL, at, ALL, target, size);
        at = target;
        room = larger;
      }
      if (wanted > size) {
        bytes(size, wanted - size).fill((byte) 0);
        size = wanted;
      }
    }
  }

  // Guarded by this.
  private final Map<String, Content> files = new TreeMap<>();
  private boolean readOnly;

  MemoryDirectory(Map<String, byte[]> contents) {
    contents.forEach((name, bytes) -> {
      Content content = new Content();
      content.grow(bytes.length);
      content.bytes(0, bytes.length).copyFrom(MemorySegment.ofArray(bytes));
      files.put(name, content);
    });
  }

  /// Everything in it.
  synchronized Map<String, byte[]> contents() {
    Map<String, byte[]> contents = new TreeMap<>();
    files.forEach((name, content) ->
        contents.put(name, content.bytes(0, content.size).toArray(ValueLayout.JAVA_BYTE)));
    return contents;
  }

  private static void requireOurs(String name) {
    if (!OURS.matcher(name).matches()) {
      throw new AssertionError("the store touches '" + name + "', which is not its own");
    }
  }

  private void requireWritable(String name) {
    requireOurs(name);
    if (readOnly) {
      throw new AssertionError("a reader changes " + name);
    }
  }

  private Content there(String name) {
    Content content = files.get(name);
    if (content == null) {
      throw new StoreIoException(name + ": no such file", new IOException("no such file"));
    }
    return content;
  }

  @Override
  public Path path() {
    return Path.of("/memory");
  }

  @Override
  public synchronized List<String> list() {
    return List.copyOf(files.keySet());
  }

  @Override
  public synchronized boolean isFile(String name) {
    if (!files.containsKey(name)) {
      throw new StoreIoException("no such file: " + name, new IOException("no such file"));
    }
    return true;
  }

  @Override
  public synchronized FileHandle create(String name) {
    requireWritable(name);
    Content content = new Content();
    if (files.putIfAbsent(name, content) != null) {
      throw new StoreIoException(name + ": is there already", new IOException("is there already"));
    }
    return new Handle(name, content);
  }

  @Override
  public synchronized FileHandle open(String name, Access access) {
    requireOurs(name);
    if (access == Access.WRITE) {
      requireWritable(name);
    }
    return new Handle(name, there(name));
  }

  @Override
  public FileHandle openForCopies(String name) {
    return open(name, Access.READ);
  }

  @Override
  public synchronized void rename(String from, String to) {
    requireWritable(from);
    requireWritable(to);
    files.put(to, there(from));
    files.remove(from);
  }

  @Override
  public synchronized void remove(String name) {
    requireWritable(name);
    there(name);
    files.remove(name);
  }

  @Override
  public void force() {}

  @Override
  public synchronized void lock(Access access) {
    readOnly = access == Access.READ;
  }

  @Override
  public synchronized void close() {
    readOnly = false;
  }

  private final class Handle implements FileHandle {
    private final String name;
    private final Content content;

    Handle(String name, Content content) {
      this.name = name;
      this.content = content;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public long size() {
      synchronized (MemoryDirectory.this) {
        return content.size;
      }
    }

    @Override
    public void read(long offset, byte[] target, int from, int length) {
      read(offset, MemorySegment.ofArray(target).asSlice(from, length));
    }

    @Override
    public void read(long offset, MemorySegment target) {
      synchronized (MemoryDirectory.this) {
        if (offset < 0 || offset > content.size || target.byteSize() > content.size - offset) {
          throw new StoreIoException(name + ": ends before", new IOException("ends before"));
        }
        target.copyFrom(content.bytes(offset, target.byteSize()));
      }
    }

    @Override
    public void write(long offset, MemorySegment bytes) {
      requireWritable(name);
      synchronized (MemoryDirectory.this) {
        content.grow(offset + bytes.byteSize());
        content.bytes(offset, bytes.byteSize()).copyFrom(bytes);
      }
    }

    @Override
    public void fillZero(long offset, long end, Preallocation preallocation) {
      requireWritable(name);
      synchronized (MemoryDirectory.this) {
        content.grow(end);
        content.bytes(offset, end - offset).fill((byte) 0);
      }
    }

    @Override
    public void cut(long size) {
      requireWritable(name);
      synchronized (MemoryDirectory.this) {
        content.size = Math.min(content.size, size);
      }
    }

    @Override
    public void force() {}

    @Override
    public void force(MemorySegment mapping, long from, long to) {}

    @Override
    public MemorySegment map(long size, Access access, Arena arena) {
      synchronized (MemoryDirectory.this) {
        requireInside(0, size);
        return content.map(
            access == Access.READ ? FileChannel.MapMode.READ_ONLY : FileChannel.MapMode.READ_WRITE,
            size,
            arena);
      }
    }

    @Override
    public MemorySegment mapCopy(long offset, long size, Arena arena) {
      synchronized (MemoryDirectory.this) {
        requireInside(offset, size);
        return arena.allocate(size, 4096).copyFrom(content.bytes(offset, size));
      }
    }

    private void requireInside(long offset, long size) {
      if (offset < 0 || size < 0 || offset + size > content.size) {
        throw new AssertionError(
            name + ": maps " + size + " bytes at " + offset + " of " + content.size);
      }
    }

    @Override
    public void close() {}
  }
}

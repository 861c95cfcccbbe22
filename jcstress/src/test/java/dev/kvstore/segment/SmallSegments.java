package dev.kvstore.segment;

import dev.kvstore.io.Access;
import dev.kvstore.io.FileHandle;
import dev.kvstore.io.Preallocation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Segments and mappings without files.
public final class SmallSegments {
  private static final StoreId STORE = new StoreId(1, 2);

  private SmallSegments() {}

  /// A segment that nobody reads the memory of.
  @SuppressWarnings("NullAway")
  public static Segment of(long id) {
    return new Segment(STORE, id, null, SegmentFormat.HEADER_BYTES);
  }

  /// A mapping of eight bytes of memory.
  static Mapping mapping() {
    return Mapping.of(new Unfiled(), 8, Access.READ);
  }

  private static final class Unfiled implements FileHandle {
    @Override
    public MemorySegment map(long size, Access access, Arena arena) {
      return arena.allocate(size);
    }

    @Override
    public String name() {
      return "none";
    }

    @Override
    public long size() {
      return 8;
    }

    @Override
    public void read(long offset, byte[] target, int from, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void read(long offset, MemorySegment target) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void write(long offset, MemorySegment bytes) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void fillZero(long offset, long end, Preallocation preallocation) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void cut(long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void force() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void force(MemorySegment mapping, long from, long to) {
      throw new UnsupportedOperationException();
    }

    @Override
    public MemorySegment mapCopy(long offset, long size, Arena arena) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }
}

package dev.kvstore.index;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The blocks of an index image on their way into an index: memory for the caller to fill, or filled.
///
/// - Threads: any number may ask for different blocks at once; the rest is for one thread afterwards.
/// - Lifecycle: [HashIndex#adopt] takes the memory over, once; [#close] frees what it has not taken.
/// - Memory: as much as the index will have, and nothing else.
public final class ImportedBlocks implements AutoCloseable {
  private final ImageShape shape;
  private final @Nullable Arena[]
      arenas; // by block; owned until they are handed over; null of those that were made
  private final MemorySegment[] chunks;
  private boolean handedOver;
  private final AtomicInteger mapped = new AtomicInteger();

  public ImportedBlocks(ImageShape shape) {
    this.shape = shape;
    this.arenas = new Arena[shape.blocks()];
    this.chunks = new MemorySegment[shape.blocks()];
  }

  public ImageShape shape() {
    return shape;
  }

  /// Memory for a block, as long as the block is; to be asked for once.
  public MemorySegment block(int number) {
    Arena arena = Arena.ofShared();
    arenas[number] = arena;
    chunks[number] = arena.allocate(PageSlab.CHUNK_BYTES, PageSlab.CACHE_LINE_BYTES);
    return chunks[number].asSlice(0, shape.blockBytes(number));
  }

  /// The memory of a block of full length that holds it already, made by the caller in this arena. It
  /// may be a mapping that can be written to; see [HashIndex#own]. It is freed when nobody can reach it any
  /// more, since all of these are left at once, while others read them.
  public MemorySegment block(int number, Function<Arena, MemorySegment> made) {
    Arena arena = Arena.ofAuto();
    mapped.accumulateAndGet(number + 1, Math::max);
    chunks[number] = made.apply(arena);
    if (chunks[number].byteSize() != PageSlab.CHUNK_BYTES)
      throw new IllegalArgumentException(chunks[number].byteSize() + " bytes");
    return chunks[number];
  }

  /// All that may be mappings are before this one.
  int mapped() {
    return mapped.get();
  }

  MemorySegment[] chunks() {
    return chunks;
  }

  /// Gives the memory away.
  @Nullable Arena[] handOver() {
    handedOver = true;
    return arenas;
  }

  @Override
  public void close() {
    if (handedOver) return;
    handedOver = true;
    for (Arena arena : arenas) {
      if (arena != null) arena.close();
    }
  }
}

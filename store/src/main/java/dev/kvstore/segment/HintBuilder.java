package dev.kvstore.segment;

import static dev.kvstore.segment.HintEntries.ENTRY_BYTES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.Consumer;

/// Takes the entries of a hint in any order and gives them sorted by hash. In time linear in their
/// number, whatever their hashes are.
///
/// Entries are put into parts by the highest bits of their hash as they come, so that each part fits
/// the cache when it is sorted.
///
/// - Threads: one at a time; the memory may be read by any.
/// - Memory, off the heap: 24 bytes for each entry, and up to a megabyte; in [#sorted] for a while, and
///   in [#forEachRun] for the largest run, twice that. Freed by [#close].
/// - Failure: [OutOfMemoryError] when there is no such memory; then it can only be closed.
public final class HintBuilder implements AutoCloseable {
  private static final int ENTRIES_PER_PART = 4096;
  private static final int PARTS_MOST = 256;
  private static final int BLOCK_ENTRIES_BITS = 6;
  private static final int BLOCK_ENTRIES = 1 << BLOCK_ENTRIES_BITS;
  private static final int BLOCK_BYTES = BLOCK_ENTRIES * ENTRY_BYTES;
  private static final int CHUNK_BLOCKS_BITS = 5;
  private static final int CHUNK_BLOCKS = 1 << CHUNK_BLOCKS_BITS;

  private Arena arena = Arena.ofShared(); // owned
  private final int partBits;

  // Blocks, numbered through chunks; each belongs to one part and is followed by another of it.
  private MemorySegment[] chunks = new MemorySegment[4];
  private int chunkCount;
  private int blockCount;
  private int[] following = new int[4 * CHUNK_BLOCKS];

  // By part.
  private final int[] counts;
  private final int[] firstBlock;
  private final int[] lastBlock;

  private int count;

  /// @param expected about how many entries will come; only the speed depends on it
  public HintBuilder(long expected) {
    long parts = Long.highestOneBit(Math.clamp(expected / ENTRIES_PER_PART, 1, PARTS_MOST));
    this.partBits = Long.numberOfTrailingZeros(parts);
    this.counts = new int[1 << partBits];
    this.firstBlock = new int[counts.length];
    this.lastBlock = new int[counts.length];
  }

  /// Adds the entry of a PUT or DELETE record.
  ///
  /// @param offset of the record in its segment
  /// @param recordBytes of the record, padding included
  public void add(long hash, long sequence, long offset, long recordBytes, boolean delete) {
    // Twice, because a shift by 64 is none.
    int part = (int) (hash >>> 1 >>> (Long.SIZE - 1 - partBits));
    int slot = counts[part] & BLOCK_ENTRIES - 1;
    if (slot == 0) {
      addBlock(part);
    }
    int block = lastBlock[part];
    HintEntries.write(
        chunks[block >>> CHUNK_BLOCKS_BITS],
        inChunk(block) + (long) slot * ENTRY_BYTES,
        hash,
        sequence,
        offset,
        recordBytes,
        delete);
    counts[part]++;
    count = Math.incrementExact(count);
  }

  private void addBlock(int part) {
    if (blockCount == chunkCount << CHUNK_BLOCKS_BITS) {
      addChunk();
    }
    int block = blockCount++;
    if (counts[part] == 0) {
      firstBlock[part] = block;
    } else {
      following[lastBlock[part]] = block;
    }
    lastBlock[part] = block;
  }

  private void addChunk() {
    if (chunkCount == chunks.length) {
      chunks = Arrays.copyOf(chunks, chunkCount * 2);
      following = Arrays.copyOf(following, chunks.length << CHUNK_BLOCKS_BITS);
    }
    chunks[chunkCount] = arena.allocate((long) CHUNK_BLOCKS * BLOCK_BYTES, Long.BYTES);
    chunkCount++;
  }

  private static long inChunk(int block) {
    return (long) (block & CHUNK_BLOCKS - 1) * BLOCK_BYTES;
  }

  public long count() {
    return count;
  }

  /// Hands all entries over in runs that follow each other, each sorted, and good only during the call.
  public void forEachRun(Consumer<HintEntries> sink) {
    HintSorter sorter = new HintSorter();
    int largest = 0;
    for (int inPart : counts) {
      largest = Math.max(largest, inPart);
    }
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment run = scratch.allocate((long) largest * ENTRY_BYTES, Long.BYTES);
      for (int part = 0; part < counts.length; part++) {
        MemorySegment entries = run.asSlice(0, (long) counts[part] * ENTRY_BYTES);
        gather(part, entries);
        sorter.sort(entries);
        sink.accept(new HintEntries(entries));
      }
    }
  }

  /// All entries, sorted. Nothing can be added any more, and they are good until [#close].
  public HintEntries sorted() {
    HintSorter sorter = new HintSorter();
    Arena whole = Arena.ofShared();
    try {
      MemorySegment entries = whole.allocate((long) count * ENTRY_BYTES, Long.BYTES);
      long at = 0;
      for (int part = 0; part < counts.length; part++) {
        MemorySegment run = entries.asSlice(at, (long) counts[part] * ENTRY_BYTES);
        gather(part, run);
        sorter.sort(run);
        at += run.byteSize();
      }
      arena.close();
      arena = whole;
      return new HintEntries(entries);
    } catch (Throwable e) {
      whole.close();
      throw e;
    }
  }

  private void gather(int part, MemorySegment target) {
    int block = firstBlock[part];
    for (int done = 0; done < counts[part]; done += BLOCK_ENTRIES) {
      long bytes = (long) Math.min(BLOCK_ENTRIES, counts[part] - done) * ENTRY_BYTES;
      MemorySegment chunk = chunks[block >>> CHUNK_BLOCKS_BITS];
      MemorySegment.copy(chunk, inChunk(block), target, (long) done * ENTRY_BYTES, bytes);
      block = following[block];
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}

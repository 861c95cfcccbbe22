package dev.kvstore.segment;

import java.lang.foreign.MemorySegment;

/// Entries of a hint, sorted by hash as an unsigned number; entries of equal hashes in no order. What
/// an entry is, and its bytes, says [HintFile].
///
/// A view: lives as long as the file or builder it came from. Threads: any number may read.
public final class HintEntries {
  public static final int ENTRY_WORDS = 3;

  public static final int ENTRY_BYTES = ENTRY_WORDS * Long.BYTES;

  private static final int SEQUENCE = 8;
  private static final int REST = 16; // place and size in one word
  private static final long PLACE_MASK = 0xFFFF_FFFFL;
  private static final int SIZE_SHIFT = 32;
  private static final long DELETE_BIT = 1L << 63;

  private final MemorySegment memory;
  private final long count;

  /// @param memory exactly the entries
  HintEntries(MemorySegment memory) {
    this.memory = memory;
    this.count = memory.byteSize() / ENTRY_BYTES;
  }

  public long count() {
    return count;
  }

  public long hash(long index) {
    return hash(memory, index * ENTRY_BYTES);
  }

  public long sequence(long index) {
    return sequence(memory, index * ENTRY_BYTES);
  }

  /// Offset of the record in its segment.
  public long offset(long index) {
    return (rest(memory, index * ENTRY_BYTES) & PLACE_MASK) << 3;
  }

  /// Bytes of the record.
  public long recordBytes(long index) {
    return (rest(memory, index * ENTRY_BYTES) & ~DELETE_BIT) >>> SIZE_SHIFT << 3;
  }

  public boolean isDelete(long index) {
    return rest(memory, index * ENTRY_BYTES) < 0;
  }

  /// Index of the first entry whose hash is not below this one, hashes taken as unsigned.
  public long lowerBound(long wanted) {
    return lowerBound(wanted, 0);
  }

  /// As above, for who knows that it is not before `from`; the nearer it is, the sooner it is found, so
  /// that a walk in the order of hashes costs no more than reading on, and skips what is far.
  public long lowerBound(long wanted, long from) {
    long low = from;
    long step = 1;
    while (low + step <= count && Long.compareUnsigned(hash(low + step - 1), wanted) < 0) {
      low += step;
      step *= 2;
    }
    long high = Math.min(count, low + step);
    while (low < high) {
      long middle = (low + high) >>> 1;
      if (Long.compareUnsigned(hash(middle), wanted) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /// Copies entries out as they are, for who goes over all of them: three words each, to be read by
  /// [#hashIn] and its like.
  public void copyTo(long[] words, long from, int size) {
    copyTo(words, 0, from, size);
  }

  /// As above, to some place in the array.
  public void copyTo(long[] words, int at, long from, int size) {
    MemorySegment.copy(
        memory,
        LittleEndian.LONG,
        from * ENTRY_BYTES,
        words,
        at,
        Math.multiplyExact(size, ENTRY_WORDS));
  }

  /// The hash of an entry among those that [#copyTo] has copied.
  public static long hashIn(long[] words, int index) {
    return words[index * ENTRY_WORDS];
  }

  public static long offsetIn(long[] words, int index) {
    return (words[index * ENTRY_WORDS + 2] & PLACE_MASK) << 3;
  }

  public static long recordBytesIn(long[] words, int index) {
    return (words[index * ENTRY_WORDS + 2] & ~DELETE_BIT) >>> SIZE_SHIFT << 3;
  }

  // ---- The third word of an entry

  public static long restOf(long offset, long recordBytes, boolean delete) {
    return recordBytes >>> 3 << SIZE_SHIFT | offset >>> 3 | (delete ? DELETE_BIT : 0);
  }

  /// Offset of the record in its segment, divided by 8.
  public static long placeIn(long rest) {
    return rest & PLACE_MASK;
  }

  public static long recordBytesIn(long rest) {
    return (rest & ~DELETE_BIT) >>> SIZE_SHIFT << 3;
  }

  public static boolean isDeleteIn(long rest) {
    return rest < 0;
  }

  MemorySegment memory() {
    return memory;
  }

  // ---- One entry

  static void write(
      MemorySegment memory,
      long at,
      long hash,
      long sequence,
      long offset,
      long recordBytes,
      boolean delete) {
    writeWords(memory, at, hash, sequence, restOf(offset, recordBytes, delete));
  }

  static void writeWords(MemorySegment memory, long at, long hash, long sequence, long rest) {
    memory.set(LittleEndian.LONG, at, hash);
    memory.set(LittleEndian.LONG, at + SEQUENCE, sequence);
    memory.set(LittleEndian.LONG, at + REST, rest);
  }

  static long hash(MemorySegment memory, long at) {
    return memory.get(LittleEndian.LONG, at);
  }

  static long sequence(MemorySegment memory, long at) {
    return memory.get(LittleEndian.LONG, at + SEQUENCE);
  }

  /// Place and size as they stand in the entry.
  static long rest(MemorySegment memory, long at) {
    return memory.get(LittleEndian.LONG, at + REST);
  }
}

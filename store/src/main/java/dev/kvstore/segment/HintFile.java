package dev.kvstore.segment;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// What recovery and compaction need of a sealed segment, without its keys and values: one entry for
/// each PUT and DELETE record, whether it lives or not, in the order of key hashes.
///
/// ```
///  offset size field
///       0   32 header        see FileFormat, kind 'H'
///      32    8 segmentId
///      40    8 segmentBytes  length of the sealed segment
///      48    8 count         entries
///      56    4 sealChecksum  of the segment's SEAL record
///      60    4 zero
///      64      entries, 24 bytes each, by hash as an unsigned number
///     end    4 checksum      CRC-32C of everything before
///
///  entry
///       0    8 hash          of the key, see KeyHasher
///       8    8 sequence
///      16    4 place         offset of the record / 8
///      20    4 size          bytes of the record / 8; highest bit set for a DELETE
/// ```
///
/// Never forced and never trusted: one that does not verify, or that names another segment length or
/// seal than the manifest does, is ignored and written anew.
public final class HintFile implements AutoCloseable {
  private static final int SEGMENT_ID = 32;
  private static final int SEGMENT_BYTES = 40;
  private static final int COUNT = 48;
  private static final int SEAL_CHECKSUM = 56;
  private static final int ENTRIES = 64;
  private static final int ENTRY_BYTES = 24;
  private static final int SEQUENCE = 8;
  private static final int PLACE = 16;
  private static final int SIZE = 20;
  private static final int CHECKSUM_BYTES = 4;
  private static final int DELETE_BIT = 1 << 31;

  private final Mapping mapping; // owned
  private final MemorySegment memory;
  private final long count;

  private HintFile(Mapping mapping, long count) {
    this.mapping = mapping;
    this.memory = mapping.memory();
    this.count = count;
  }

  // ---- Reading

  /// Opens the hint file of a segment and verifies all of it.
  ///
  /// @throws StoreCorruptionException if it is damaged or not the one of this seal
  public static HintFile open(Directory directory, StoreId store, SealedSegment sealed) {
    String name = SegmentFormat.hintName(sealed.id());
    try (FileHandle file = directory.open(name, Access.READ)) {
      if (file.size() < ENTRIES + CHECKSUM_BYTES) {
        throw new StoreCorruptionException(name, 0, "too short for a hint file");
      }
      Mapping mapping = Mapping.of(file, file.size(), Access.READ);
      try {
        return new HintFile(mapping, check(mapping.memory(), name, store, sealed));
      } catch (Throwable e) {
        mapping.retire();
        throw e;
      }
    }
  }

  private static long check(
      MemorySegment memory, String name, StoreId store, SealedSegment sealed) {
    FileFormat.check(memory, name, FileFormat.Kind.HINT, store);
    long checksumAt = memory.byteSize() - CHECKSUM_BYTES;
    if (memory.get(LittleEndian.INT, checksumAt) != FileFormat.checksum(memory, 0, checksumAt)) {
      throw new StoreCorruptionException(name, checksumAt, "the hint file does not verify");
    }
    long count = memory.get(LittleEndian.LONG, COUNT);
    boolean fits =
        count == sealed.records()
            && count == (checksumAt - ENTRIES) / ENTRY_BYTES
            && checksumAt == ENTRIES + count * ENTRY_BYTES
            && memory.get(LittleEndian.LONG, SEGMENT_ID) == sealed.id()
            && memory.get(LittleEndian.LONG, SEGMENT_BYTES) == sealed.bytes()
            && memory.get(LittleEndian.INT, SEAL_CHECKSUM) == sealed.sealChecksum();
    if (!fits) {
      throw new StoreCorruptionException(
          name, SEGMENT_ID, "it was made from another version of the segment");
    }
    return count;
  }

  public long count() {
    return count;
  }

  /// Bytes of the file.
  public long bytes() {
    return memory.byteSize();
  }

  public long hash(long index) {
    return memory.get(LittleEndian.LONG, ENTRIES + index * ENTRY_BYTES);
  }

  public long sequence(long index) {
    return memory.get(LittleEndian.LONG, ENTRIES + index * ENTRY_BYTES + SEQUENCE);
  }

  /// Offset of the record in its segment.
  public long offset(long index) {
    return (memory.get(LittleEndian.INT, ENTRIES + index * ENTRY_BYTES + PLACE) & 0xFFFF_FFFFL)
        << 3;
  }

  /// Bytes of the record.
  public long recordBytes(long index) {
    return (memory.get(LittleEndian.INT, ENTRIES + index * ENTRY_BYTES + SIZE)
            & ~DELETE_BIT
            & 0xFFFF_FFFFL)
        << 3;
  }

  public boolean isDelete(long index) {
    return memory.get(LittleEndian.INT, ENTRIES + index * ENTRY_BYTES + SIZE) < 0;
  }

  /// Index of the first entry whose hash is not below this one, hashes taken as unsigned.
  public long lowerBound(long wanted) {
    long low = 0;
    long high = count;
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

  @Override
  public void close() {
    mapping.retire();
  }

  // ---- Writing

  /// Writes the hint file of a segment, replacing one that is there.
  static void write(
      Directory directory, StoreId store, Segment segment, SealedSegment sealed, KeyHasher hasher) {
    String name = SegmentFormat.hintName(sealed.id());
    if (directory.list().contains(name)) {
      directory.remove(name);
    }
    long size = ENTRIES + sealed.records() * ENTRY_BYTES + CHECKSUM_BYTES;
    FileHandle file = directory.create(name);
    try (file) {
      file.fillZero(0, size);
      Mapping mapping = Mapping.of(file, size, Access.WRITE);
      try {
        MemorySegment hint = mapping.memory();
        FileFormat.write(hint, FileFormat.Kind.HINT, store);
        hint.set(LittleEndian.LONG, SEGMENT_ID, sealed.id());
        hint.set(LittleEndian.LONG, SEGMENT_BYTES, sealed.bytes());
        hint.set(LittleEndian.LONG, COUNT, sealed.records());
        hint.set(LittleEndian.INT, SEAL_CHECKSUM, sealed.sealChecksum());
        new Sorter(segment.memory(), hint, hasher, sealed.records()).run();
        hint.set(
            LittleEndian.INT,
            size - CHECKSUM_BYTES,
            FileFormat.checksum(hint, 0, size - CHECKSUM_BYTES));
      } finally {
        mapping.retire();
      }
    } catch (Throwable e) {
      try {
        directory.remove(name);
      } catch (RuntimeException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  /// Puts the entries in order without a copy of them in memory: counts how many hashes fall into
  /// each of many ranges, writes each entry into its range, then sorts the few of each range by
  /// insertion. Hashes are uniform, so ranges are small and equal.
  private static final class Sorter {
    private static final int ENTRIES_PER_RANGE = 16;

    private final MemorySegment log;
    private final MemorySegment hint;
    private final KeyHasher hasher;
    private final byte[] key = new byte[0xFFFF];
    private final int rangeBits;
    private final int[] next;

    Sorter(MemorySegment log, MemorySegment hint, KeyHasher hasher, long count) {
      this.log = log;
      this.hint = hint;
      this.hasher = hasher;
      long ranges = Math.max(2, Long.highestOneBit(Math.max(1, count / ENTRIES_PER_RANGE)));
      this.rangeBits = Math.min(24, Long.numberOfTrailingZeros(ranges));
      this.next = new int[(1 << rangeBits) + 1];
    }

    void run() {
      forEachRecord((at, hash) -> next[range(hash) + 1]++);
      for (int range = 1; range < next.length; range++) {
        next[range] += next[range - 1];
      }
      int[] begin = Arrays.copyOf(next, next.length);
      forEachRecord(this::place);
      for (int range = 0; range + 1 < begin.length; range++) {
        sort(begin[range], begin[range + 1]);
      }
    }

    private int range(long hash) {
      return (int) (hash >>> (Long.SIZE - rangeBits));
    }

    private void forEachRecord(RecordVisitor visitor) {
      for (long at = SegmentFormat.HEADER_BYTES; at < log.byteSize(); ) {
        int kind = RecordFormat.kind(log, at);
        if (kind == RecordFormat.PUT || kind == RecordFormat.DELETE) {
          int keySize = RecordFormat.keySize(log, at);
          MemorySegment.copy(log, JAVA_BYTE, at + RecordFormat.HEADER_BYTES, key, 0, keySize);
          visitor.visit(at, hasher.hash(key, 0, keySize));
        }
        at += RecordFormat.recordBytes(log, at);
      }
    }

    private void place(long at, long hash) {
      long entry = ENTRIES + (long) next[range(hash)]++ * ENTRY_BYTES;
      boolean delete = RecordFormat.kind(log, at) == RecordFormat.DELETE;
      long size = RecordFormat.recordBytes(log, at) >>> 3;
      hint.set(LittleEndian.LONG, entry, hash);
      hint.set(LittleEndian.LONG, entry + SEQUENCE, RecordFormat.sequence(log, at));
      hint.set(LittleEndian.INT, entry + PLACE, (int) (at >>> 3));
      hint.set(LittleEndian.INT, entry + SIZE, (int) size | (delete ? DELETE_BIT : 0));
    }

    private void sort(int from, int to) {
      for (int i = from + 1; i < to; i++) {
        long entry = ENTRIES + (long) i * ENTRY_BYTES;
        long hash = hint.get(LittleEndian.LONG, entry);
        long sequence = hint.get(LittleEndian.LONG, entry + SEQUENCE);
        long rest = hint.get(LittleEndian.LONG, entry + PLACE);
        long at = entry;
        while (at > ENTRIES + (long) from * ENTRY_BYTES
            && Long.compareUnsigned(hint.get(LittleEndian.LONG, at - ENTRY_BYTES), hash) > 0) {
          MemorySegment.copy(hint, at - ENTRY_BYTES, hint, at, ENTRY_BYTES);
          at -= ENTRY_BYTES;
        }
        hint.set(LittleEndian.LONG, at, hash);
        hint.set(LittleEndian.LONG, at + SEQUENCE, sequence);
        hint.set(LittleEndian.LONG, at + PLACE, rest);
      }
    }

    private interface RecordVisitor {
      void visit(long at, long hash);
    }
  }
}

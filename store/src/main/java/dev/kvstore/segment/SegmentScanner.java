package dev.kvstore.segment;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Walks over the records of a segment in the order of the file and believes none without its
/// checksum.
///
/// ```java
/// while (scanner.next()) { ... scanner.offset(), scanner.kind() ... }
/// if (scanner.problem() != null) { ... the bytes at scanner.position() are no record ... }
/// ```
///
/// One thread at a time. Never reads at or behind `limit`, never allocates by a length it reads.
public final class SegmentScanner {
  private static final MemorySegment ZEROS = MemorySegment.ofArray(new byte[64 << 10]);

  private final Segment segment;
  private final MemorySegment memory;
  private final long limit;
  private final RecordChecksum checksum = new RecordChecksum();

  private long position;
  private long offset;
  private @Nullable String problem;

  /// @param from offset of a record, or the limit
  /// @param limit where to stop, in bytes; at most what is mapped
  public SegmentScanner(Segment segment, long from, long limit) {
    this.segment = segment;
    this.memory = segment.memory();
    this.limit = limit;
    this.position = from;
  }

  /// Goes to the next record. False at the limit, and where the next bytes are no record.
  public boolean next() {
    if (position >= limit) {
      problem = null;
      return false;
    }
    problem = problemAt(position);
    if (problem != null) {
      return false;
    }
    offset = position;
    position = offset + recordBytes();
    return true;
  }

  /// Why [#next] stopped before the limit; null if it did not.
  public @Nullable String problem() {
    return problem;
  }

  /// Where the next record begins, or where the problem is.
  public long position() {
    return position;
  }

  /// Looks for the next record behind a problem, and goes there. False if there is none; the position
  /// is then the limit.
  public boolean resync() {
    for (long at = position + 8; at <= limit - RecordFormat.HEADER_BYTES; at += 8) {
      // A cheap look first: almost all bytes behind a tail are zero, and zero is no kind.
      int kind = RecordFormat.kind(memory, at);
      if (kind != 0 && kind <= RecordFormat.SEAL && problemAt(at) == null) {
        position = at;
        return true;
      }
    }
    position = limit;
    return false;
  }

  private @Nullable String problemAt(long at) {
    String bad = RecordFormat.problem(memory, at, limit);
    if (bad != null) {
      return bad;
    }
    int keySize = RecordFormat.keySize(memory, at);
    long valueSize = RecordFormat.valueSize(memory, at);
    if (!checksum.verifies(memory, at, keySize, valueSize, segment.salt())) {
      return "checksum of the record does not verify (key "
          + keySize
          + " B, value "
          + valueSize
          + " B)";
    }
    return null;
  }

  /// The key of the record that the bytes at the problem seem to be, if they have a sound header; read
  /// from damaged bytes, so not to be relied upon.
  public List<byte[]> likelyKeys() {
    if (position >= limit || RecordFormat.problem(memory, position, limit) != null) {
      return List.of();
    }
    int length = RecordFormat.keySize(memory, position);
    byte[] key = new byte[length];
    MemorySegment.copy(memory, JAVA_BYTE, position + RecordFormat.HEADER_BYTES, key, 0, length);
    return length == 0 ? List.of() : List.of(key);
  }

  /// Whether any byte from here to the limit is not zero.
  public boolean hasNonZero() {
    for (long at = position; at < limit; at += ZEROS.byteSize()) {
      if (!isZero(at, Math.min(limit, at + ZEROS.byteSize()))) {
        return true;
      }
    }
    return false;
  }

  private boolean isZero(long from, long to) {
    return MemorySegment.mismatch(memory, from, to, ZEROS, 0, to - from) < 0;
  }

  /// How far bytes that are not zero reach from here to the limit.
  public long lastNonZero() {
    long end = limit;
    while (end - position >= ZEROS.byteSize() && isZero(end - ZEROS.byteSize(), end)) {
      end -= ZEROS.byteSize();
    }
    for (long at = end; at > position; at--) {
      if (at % 8 == 0 && at - 8 >= position && memory.get(LittleEndian.LONG, at - 8) == 0) {
        at -= 7;
      } else if (memory.get(JAVA_BYTE, at - 1) != 0) {
        return at;
      }
    }
    return position;
  }

  // ---- The record that next() went to

  public long offset() {
    return offset;
  }

  public long recordBytes() {
    return RecordFormat.recordBytes(memory, offset);
  }

  public int kind() {
    return RecordFormat.kind(memory, offset);
  }

  public int encodingCode() {
    return RecordFormat.encodingCode(memory, offset);
  }

  public int keySize() {
    return RecordFormat.keySize(memory, offset);
  }

  public long valueSize() {
    return RecordFormat.valueSize(memory, offset);
  }

  public long batchLeft() {
    return RecordFormat.batchLeft(memory, offset);
  }

  public long sequence() {
    return RecordFormat.sequence(memory, offset);
  }

  public long timestampMillis() {
    return RecordFormat.timestampMillis(memory, offset);
  }

  /// Whether the bytes that fill the record up to the next 8-byte boundary are zero, as they must be.
  public boolean paddingIsZero() {
    for (long at = offset + RecordFormat.HEADER_BYTES + keySize() + valueSize();
        at < offset + recordBytes();
        at++) {
      if (memory.get(JAVA_BYTE, at) != 0) {
        return false;
      }
    }
    return true;
  }

  /// Copies the key to the beginning of this array, which is long enough for any key.
  public int copyKey(byte[] target) {
    int length = keySize();
    MemorySegment.copy(memory, JAVA_BYTE, offset + RecordFormat.HEADER_BYTES, target, 0, length);
    return length;
  }

  /// Count, lowest sequence and digest of a SEAL record.
  public Seal seal() {
    long body = offset + RecordFormat.HEADER_BYTES;
    return new Seal(
        memory.get(LittleEndian.LONG, body),
        memory.get(LittleEndian.LONG, body + 8),
        sequence(),
        memory.get(LittleEndian.INT, body + 16));
  }
}

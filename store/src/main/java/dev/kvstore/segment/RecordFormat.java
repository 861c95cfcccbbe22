package dev.kvstore.segment;

import dev.kvstore.Encoding;
import dev.kvstore.KvStore;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Record, version 1. Little-endian. Starts on an 8-byte boundary; padding behind it is zero.
///
/// ```
///  offset size field
///       0    4 checksum   CRC-32C of [32, 32 + keySize + valueSize) followed by [4, 32), then
///                         exclusive-or with the mask of the place: a record strayed from another
///                         segment or offset does not verify
///       4    1 kind       1 PUT, 2 DELETE, 3 MARK, 4 SEAL. Never 0: a zeroed page is no record
///       5    1 encoding   of the value: 0 bytes, 1 string, 2 int64, 3 float64; 0 unless PUT
///       6    2 keySize    1..65535, unsigned; 0 for MARK and SEAL
///       8    4 valueSize  0..2^30; 0 for DELETE and MARK, 24 for SEAL
///      12    4 batchLeft  records of this batch still to come; without its 0 no part replays
///      16    8 sequence   order of the write across the store, kept when compaction moves it;
///                         MARK: all up to it was durable; SEAL: highest of the segment
///      24    6 timestamp  milliseconds since 1970 UTC, of the writer's clock; orders nothing
///      30    1 flags      0; any bit means a reader must know more than this version does
///      31    1 zero
///      32      key, then value
/// ```
///
/// The body comes first in the checksum so that all of it is summed before the append lock is taken;
/// only 28 bytes of header are left to sum inside. MARK and SEAL take no sequence number of their own.
public final class RecordFormat {
  public static final int HEADER_BYTES = 32;

  public static final int PUT = 1;
  public static final int DELETE = 2;
  public static final int MARK = 3;
  public static final int SEAL = 4;

  /// Bytes of a MARK record.
  public static final int MARK_BYTES = HEADER_BYTES;

  /// Value of a SEAL record: count of PUT and DELETE records, lowest sequence, and a digest.
  public static final int SEAL_VALUE_BYTES = 24;

  /// Bytes of a SEAL record.
  public static final int SEAL_BYTES = HEADER_BYTES + SEAL_VALUE_BYTES;

  static final int CHECKSUM = 0;
  static final int SUMMED_FROM = 4;
  static final int KIND = 4;
  static final int ENCODING = 5;
  static final int KEY_SIZE = 6;
  static final int VALUE_SIZE = 8;
  static final int BATCH_LEFT = 12;
  static final int SEQUENCE = 16;
  static final int STAMP = 24;

  private static final long TIMESTAMP_MAX = (1L << 48) - 1;
  private static final long OFFSET_FACTOR = 0xD6E8FEB86659FD93L;

  private RecordFormat() {}

  /// Bytes a record takes, padding included.
  public static long recordBytes(long keySize, long valueSize) {
    return HEADER_BYTES + keySize + valueSize + 7 & ~7L;
  }

  /// What binds the checksum of a record to its place.
  public static int placeMask(long salt, long offset) {
    return (int) (StoreId.mix(salt + offset * OFFSET_FACTOR) >>> 32);
  }

  /// Puts a header together, without its checksum.
  static void writeHeader(
      MemorySegment header,
      int kind,
      Encoding encoding,
      int keySize,
      int valueSize,
      long batchLeft,
      long sequence,
      long timestampMillis) {
    header.set(LittleEndian.INT, KIND, keySize << 16 | encoding.code() << 8 | kind);
    header.set(LittleEndian.LONG, VALUE_SIZE, batchLeft << 32 | valueSize);
    header.set(LittleEndian.LONG, SEQUENCE, sequence);
    header.set(LittleEndian.LONG, STAMP, Math.clamp(timestampMillis, 0, TIMESTAMP_MAX));
  }

  /// Puts a SEAL record together, without its checksum.
  static void writeSeal(MemorySegment log, long at, Seal seal, long timestampMillis) {
    writeHeader(
        log.asSlice(at, HEADER_BYTES),
        SEAL,
        Encoding.BYTES,
        0,
        SEAL_VALUE_BYTES,
        0,
        seal.maxSequence(),
        timestampMillis);
    writeSealValue(log, at + HEADER_BYTES, seal);
  }

  /// Writes the value of a SEAL record; its last 4 bytes stay 0.
  static void writeSealValue(MemorySegment memory, long at, Seal seal) {
    memory.set(LittleEndian.LONG, at, seal.records());
    memory.set(LittleEndian.LONG, at + 8, seal.minSequence());
    memory.set(LittleEndian.LONG, at + 16, seal.digest() & 0xFFFF_FFFFL);
  }

  public static int checksum(MemorySegment log, long at) {
    return log.get(LittleEndian.INT, at + CHECKSUM);
  }

  public static int kind(MemorySegment log, long at) {
    return log.get(LittleEndian.INT, at + KIND) & 0xFF;
  }

  public static int encodingCode(MemorySegment log, long at) {
    return log.get(LittleEndian.INT, at + KIND) >>> 8 & 0xFF;
  }

  public static int keySize(MemorySegment log, long at) {
    return log.get(LittleEndian.INT, at + KIND) >>> 16;
  }

  /// Unsigned as stored; a reader checks it against the rest of the segment before it believes it.
  public static long valueSize(MemorySegment log, long at) {
    return log.get(LittleEndian.INT, at + VALUE_SIZE) & 0xFFFF_FFFFL;
  }

  public static long batchLeft(MemorySegment log, long at) {
    return log.get(LittleEndian.INT, at + BATCH_LEFT) & 0xFFFF_FFFFL;
  }

  public static long sequence(MemorySegment log, long at) {
    return log.get(LittleEndian.LONG, at + SEQUENCE);
  }

  public static long timestampMillis(MemorySegment log, long at) {
    return log.get(LittleEndian.LONG, at + STAMP) & TIMESTAMP_MAX;
  }

  /// Bytes of the record at this place, by its size fields.
  public static long recordBytes(MemorySegment log, long at) {
    return recordBytes(keySize(log, at), valueSize(log, at));
  }

  /// What is wrong with the header at this place, checksum apart; null if nothing is. A header that
  /// passes has sizes that fit below `limit`.
  public static @Nullable String problem(MemorySegment log, long at, long limit) {
    if (limit - at < HEADER_BYTES) {
      return "only " + (limit - at) + " bytes are left, too few for a record";
    }
    int kind = kind(log, at);
    if (kind < PUT || kind > SEAL) {
      return "no record: kind " + kind;
    }
    long stamp = log.get(LittleEndian.LONG, at + STAMP);
    if (stamp >>> 48 != 0) {
      return "unknown record flags " + Long.toHexString(stamp >>> 48);
    }
    int keySize = keySize(log, at);
    long valueSize = valueSize(log, at);
    int encoding = encodingCode(log, at);
    boolean sizesFit =
        switch (kind) {
          case PUT -> keySize > 0 && valueSize <= KvStore.VALUE_BYTES_MAX;
          case DELETE -> keySize > 0 && valueSize == 0;
          case MARK -> keySize == 0 && valueSize == 0;
          default -> keySize == 0 && valueSize == SEAL_VALUE_BYTES;
        };
    if (!sizesFit || !(kind == PUT ? Encoding.isKnown(encoding) : encoding == 0)) {
      return "impossible header: kind "
          + kind
          + ", key "
          + keySize
          + " B, value "
          + valueSize
          + " B";
    }
    if (recordBytes(keySize, valueSize) > limit - at) {
      return "the record would end "
          + recordBytes(keySize, valueSize)
          + " bytes on, behind the log's end";
    }
    return null;
  }
}

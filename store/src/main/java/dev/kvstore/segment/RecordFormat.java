package dev.kvstore.segment;

import dev.kvstore.Encoding;
import dev.kvstore.KvStore;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
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

  private static final VarHandle ARRAY_INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

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

  /// Puts a header together in an array, without its checksum.
  static void writeHeader(
      byte[] header,
      int kind,
      Encoding encoding,
      int keySize,
      int valueSize,
      long batchLeft,
      long sequence,
      long timestampMillis) {
    long sized = (long) (keySize << 16 | encoding.code() << 8 | kind) << 32;
    LittleEndian.ARRAY_LONG.set(header, CHECKSUM, sized);
    LittleEndian.ARRAY_LONG.set(header, VALUE_SIZE, batchLeft << 32 | valueSize);
    LittleEndian.ARRAY_LONG.set(header, SEQUENCE, sequence);
    LittleEndian.ARRAY_LONG.set(header, STAMP, Math.clamp(timestampMillis, 0, TIMESTAMP_MAX));
  }

  /// Copies a header that was put together into the log, with its checksum.
  static void placeHeader(byte[] header, int checksum, MemorySegment log, long at) {
    long sized = (long) LittleEndian.ARRAY_LONG.get(header, CHECKSUM);
    log.set(LittleEndian.LONG, at + CHECKSUM, sized | (checksum & 0xFFFF_FFFFL));
    copyWord(header, VALUE_SIZE, log, at);
    copyWord(header, SEQUENCE, log, at);
    copyWord(header, STAMP, log, at);
  }

  private static void copyWord(byte[] header, int field, MemorySegment log, long at) {
    log.set(LittleEndian.LONG, at + field, (long) LittleEndian.ARRAY_LONG.get(header, field));
  }

  /// Copies a header out of the log. Word by word: for so few bytes the call of a bulk copy costs more.
  static void copyHeader(MemorySegment log, long at, byte[] header) {
    for (int field = 0; field < HEADER_BYTES; field += Long.BYTES) {
      LittleEndian.ARRAY_LONG.set(header, field, log.get(LittleEndian.LONG, at + field));
    }
  }

  /// Puts a SEAL record together, without its checksum.
  static void writeSeal(MemorySegment log, long at, Seal seal, long timestampMillis) {
    byte[] header = new byte[HEADER_BYTES];
    writeHeader(
        header, SEAL, Encoding.BYTES, 0, SEAL_VALUE_BYTES, 0, seal.maxSequence(), timestampMillis);
    placeHeader(header, 0, log, at);
    byte[] value = sealValue(seal);
    MemorySegment.copy(value, 0, log, ValueLayout.JAVA_BYTE, at + HEADER_BYTES, value.length);
  }

  /// The value of a SEAL record; its last 4 bytes are 0.
  static byte[] sealValue(Seal seal) {
    byte[] value = new byte[SEAL_VALUE_BYTES];
    LittleEndian.ARRAY_LONG.set(value, 0, seal.records());
    LittleEndian.ARRAY_LONG.set(value, 8, seal.minSequence());
    LittleEndian.ARRAY_LONG.set(value, 16, seal.digest() & 0xFFFF_FFFFL);
    return value;
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
      return tooFewBytes(limit - at);
    }
    return problem(
        log.get(LittleEndian.INT, at + KIND),
        log.get(LittleEndian.INT, at + VALUE_SIZE),
        log.get(LittleEndian.LONG, at + STAMP),
        limit - at);
  }

  /// The same for a header in an array.
  ///
  /// @param left bytes from the beginning of the record to the limit
  static @Nullable String problem(byte[] bytes, int at, long left) {
    if (left < HEADER_BYTES) {
      return tooFewBytes(left);
    }
    return problem(
        (int) ARRAY_INT.get(bytes, at + KIND),
        (int) ARRAY_INT.get(bytes, at + VALUE_SIZE),
        (long) LittleEndian.ARRAY_LONG.get(bytes, at + STAMP),
        left);
  }

  private static String tooFewBytes(long left) {
    return "only " + left + " bytes are left, too few for a record";
  }

  private static @Nullable String problem(
      int kindAndKey, int unsignedValueSize, long stamp, long left) {
    int kind = kindAndKey & 0xFF;
    if (kind < PUT || kind > SEAL) {
      return "no record: kind " + kind;
    }
    if (stamp >>> 48 != 0) {
      return "unknown record flags " + Long.toHexString(stamp >>> 48);
    }
    int encoding = kindAndKey >>> 8 & 0xFF;
    int keySize = kindAndKey >>> 16;
    long valueSize = unsignedValueSize & 0xFFFF_FFFFL;
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
    if (recordBytes(keySize, valueSize) > left) {
      return "the record would end "
          + recordBytes(keySize, valueSize)
          + " bytes on, behind the log's end";
    }
    return null;
  }

  // ---- A header in an array

  static int checksum(byte[] bytes, int at) {
    return (int) ARRAY_INT.get(bytes, at + CHECKSUM);
  }

  static int kind(byte[] bytes, int at) {
    return bytes[at + KIND];
  }

  static int keySize(byte[] bytes, int at) {
    return (int) ARRAY_INT.get(bytes, at + KIND) >>> 16;
  }

  static long valueSize(byte[] bytes, int at) {
    return (int) ARRAY_INT.get(bytes, at + VALUE_SIZE) & 0xFFFF_FFFFL;
  }

  static long batchLeft(byte[] bytes, int at) {
    return (int) ARRAY_INT.get(bytes, at + BATCH_LEFT) & 0xFFFF_FFFFL;
  }

  static long sequence(byte[] bytes, int at) {
    return (long) LittleEndian.ARRAY_LONG.get(bytes, at + SEQUENCE);
  }
}

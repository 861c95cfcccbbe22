package dev.kvstore.fuzz;

import dev.kvstore.segment.StoreId;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// Records of one segment, read and written as `docs/format/record.md` tells it, in the plainest way
/// there is and with no code of the store: what the store's readers are held against.
final class PlainRecords {
  static final int PUT = 1;
  static final int DELETE = 2;
  static final int MARK = 3;
  static final int SEAL = 4;
  static final int HEADER_BYTES = 32;
  static final int SEGMENT_HEADER_BYTES = 64;

  private static final int ENCODING_MAX = 3;

  /// A record that verifies.
  ///
  /// @param value as stored
  /// @param end where the next one would begin
  record Plain(
      int offset,
      int end,
      int kind,
      int encoding,
      byte[] key,
      byte[] value,
      long batchLeft,
      long sequence,
      int checksum) {
    boolean isEntry() {
      return kind == PUT || kind == DELETE;
    }
  }

  private final StoreId store;
  private final long segment;

  PlainRecords(StoreId store, long segment) {
    this.store = store;
    this.segment = segment;
  }

  static ByteBuffer numbers(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  // ---- Reading

  /// The record at a place; null if the bytes there are none.
  @Nullable Plain at(byte[] file, int offset) {
    if (!isPossible(file, offset)) {
      return null;
    }
    ByteBuffer numbers = numbers(file);
    int keySize = numbers.getShort(offset + 6) & 0xFFFF;
    int valueSize = numbers.getInt(offset + 8);
    int checksum = numbers.getInt(offset);
    if (checksum != checksum(file, offset, keySize + valueSize)) {
      return null;
    }
    byte[] key = new byte[keySize];
    byte[] value = new byte[valueSize];
    numbers.get(offset + HEADER_BYTES, key);
    numbers.get(offset + HEADER_BYTES + keySize, value);
    return new Plain(
        offset,
        offset + sizeOf(keySize, valueSize),
        file[offset + 4],
        file[offset + 5],
        key,
        value,
        numbers.getInt(offset + 12) & 0xFFFF_FFFFL,
        numbers.getLong(offset + 16),
        checksum);
  }

  /// Whether a header of possible sizes is at a place, and a whole record has room there.
  boolean isPossible(byte[] file, int offset) {
    int limit = file.length & -8; // whole words only
    if (offset % 8 != 0 || limit - offset < HEADER_BYTES) {
      return false;
    }
    ByteBuffer numbers = numbers(file);
    int kind = file[offset + 4];
    int encoding = file[offset + 5];
    int keySize = numbers.getShort(offset + 6) & 0xFFFF;
    long valueSize = numbers.getInt(offset + 8) & 0xFFFF_FFFFL;
    if (file[offset + 30] != 0 || file[offset + 31] != 0 || valueSize > 1 << 30) {
      return false;
    }
    boolean fits =
        switch (kind) {
          case PUT -> keySize > 0 && encoding >= 0 && encoding <= ENCODING_MAX;
          case DELETE -> keySize > 0 && encoding == 0 && valueSize == 0;
          case MARK -> keySize == 0 && encoding == 0 && valueSize == 0;
          case SEAL -> keySize == 0 && encoding == 0 && valueSize == 24;
          default -> false;
        };
    return fits && offset + HEADER_BYTES + keySize + valueSize <= limit;
  }

  static int sizeOf(int keySize, int valueSize) {
    return HEADER_BYTES + keySize + valueSize + 7 & -8;
  }

  /// All records from a place on, as a reader finds them who looks at each word behind what is none.
  List<Plain> from(byte[] file, int offset) {
    List<Plain> found = new ArrayList<>();
    for (int at = offset; at < file.length; ) {
      Plain record = at(file, at);
      if (record == null) {
        at += 8;
      } else {
        found.add(record);
        at = record.end();
      }
    }
    return found;
  }

  // ---- Writing

  /// Makes the checksum of the record at a place right.
  void sum(byte[] file, int offset) {
    ByteBuffer numbers = numbers(file);
    int body = (numbers.getShort(offset + 6) & 0xFFFF) + numbers.getInt(offset + 8);
    numbers.putInt(offset, checksum(file, offset, body));
  }

  private int checksum(byte[] file, int offset, int bodySize) {
    CRC32C crc = new CRC32C();
    crc.update(file, offset + HEADER_BYTES, bodySize);
    crc.update(file, offset + 4, HEADER_BYTES - 4);
    return (int) crc.getValue() ^ mask(offset);
  }

  private int mask(long offset) {
    return (int) (mix(salt() + offset * 0xD6E8FEB86659FD93L) >>> 32);
  }

  private long salt() {
    return mix(store.low() + 0x9E3779B97F4A7C15L * mix(store.high() ^ segment));
  }

  private static long mix(long bits) {
    long mixed = (bits ^ bits >>> 33) * 0xFF51AFD7ED558CCDL;
    mixed = (mixed ^ mixed >>> 33) * 0xC4CEB9FE1A85EC53L;
    return mixed ^ mixed >>> 33;
  }

  /// The header of the segment.
  byte[] header() {
    byte[] header = new byte[SEGMENT_HEADER_BYTES];
    fileHeader(header, 'S', store);
    numbers(header).putLong(32, segment);
    CRC32C crc = new CRC32C();
    crc.update(header, 0, 60);
    numbers(header).putInt(60, (int) crc.getValue());
    return header;
  }

  /// Writes what every file begins with.
  static void fileHeader(byte[] file, char kind, StoreId store) {
    byte[] magic = {'K', 'V', 'S', 'T', 'O', 'R', 'E', '\n', (byte) kind, 0, 1, 0, 0, 0, 0, 0};
    System.arraycopy(magic, 0, file, 0, magic.length);
    numbers(file).putLong(16, store.high()).putLong(24, store.low());
  }

  /// Makes the checksum right that is the last four bytes of a file.
  static void sumAtEnd(byte[] file) {
    CRC32C crc = new CRC32C();
    crc.update(file, 0, file.length - 4);
    numbers(file).putInt(file.length - 4, (int) crc.getValue());
  }
}

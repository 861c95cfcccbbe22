package dev.kvstore.segment;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreVersionException;
import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// What every file of a store begins with.
///
/// ```
///  offset size field
///       0    8 magic      "KVSTORE" and a line feed
///       8    1 kind       'S' segment, 'H' hint, 'M' manifest, 'I' index image
///       9    1 zero
///      10    2 version    format version of this kind of file
///      12    4 zero
///      16   16 storeId    the same in every file of a store
/// ```
public final class FileFormat {
  public static final int HEADER_BYTES = 32;

  /// The one version of every kind of file so far.
  public static final int VERSION = 1;

  private static final long MAGIC = 0x0A45524F5453564BL; // "KVSTORE\n" read little-endian
  private static final int KIND = 8;
  private static final int STORE_ID = 16;

  /// The kinds of files.
  public enum Kind {
    SEGMENT('S'),
    HINT('H'),
    MANIFEST('M'),
    IMAGE('I');

    private final byte code;

    Kind(char code) {
      this.code = (byte) code;
    }
  }

  private FileFormat() {}

  /// Writes the header at the beginning of a file's memory.
  public static void write(MemorySegment file, Kind kind, StoreId store) {
    file.set(LittleEndian.LONG, 0, MAGIC);
    file.set(LittleEndian.LONG, KIND, (long) VERSION << 16 | kind.code);
    file.set(LittleEndian.LONG, STORE_ID, store.high());
    file.set(LittleEndian.LONG, STORE_ID + 8, store.low());
  }

  /// Checks the header of a file.
  ///
  /// @param store the store the file must belong to, or null to accept any
  /// @return the store it belongs to
  /// @throws StoreVersionException if the file is of another version
  /// @throws StoreCorruptionException if it is no such file
  public static StoreId check(MemorySegment file, String name, Kind kind, @Nullable StoreId store) {
    if (file.byteSize() < HEADER_BYTES) {
      throw new StoreCorruptionException(
          name, 0, "the file has " + file.byteSize() + " bytes, too few for its header");
    }
    if (file.get(LittleEndian.LONG, 0) != MAGIC) {
      throw new StoreCorruptionException(name, 0, "this is not a file of a store: magic missing");
    }
    long word = file.get(LittleEndian.LONG, KIND);
    int version = (int) (word >>> 16) & 0xFFFF;
    if (version != VERSION) {
      throw new StoreVersionException(name, version, VERSION, VERSION);
    }
    if (word != ((long) VERSION << 16 | kind.code)) {
      throw new StoreCorruptionException(name, KIND, "this is not the header of a " + kind);
    }
    StoreId found =
        new StoreId(
            file.get(LittleEndian.LONG, STORE_ID), file.get(LittleEndian.LONG, STORE_ID + 8));
    if (store != null && !store.equals(found)) {
      throw new StoreCorruptionException(
          name, STORE_ID, "it belongs to store " + found + ", this is store " + store);
    }
    return found;
  }

  /// Whether a header, of whatever kind and version, names this store.
  public static boolean belongsTo(MemorySegment file, StoreId store) {
    return file.get(LittleEndian.LONG, 0) == MAGIC
        && file.get(LittleEndian.LONG, STORE_ID) == store.high()
        && file.get(LittleEndian.LONG, STORE_ID + 8) == store.low();
  }

  /// CRC-32C of a stretch of memory, copied through the heap: native code that reads a mapped file
  /// would end the JVM if the file were cut under it.
  public static int checksum(MemorySegment memory, long from, long to) {
    CRC32C crc = new CRC32C();
    byte[] chunk = new byte[(int) Math.min(to - from, 64 << 10)];
    for (long at = from; at < to; ) {
      int length = (int) Math.min(chunk.length, to - at);
      MemorySegment.copy(memory, JAVA_BYTE, at, chunk, 0, length);
      crc.update(chunk, 0, length);
      at += length;
    }
    return (int) crc.getValue();
  }
}

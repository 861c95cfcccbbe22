package dev.kvstore.segment;

import dev.kvstore.StoreCorruptionException;
import java.lang.foreign.MemorySegment;
import java.util.OptionalLong;

/// Segment file, version 1. Little-endian.
///
/// ```
///  offset size field
///       0   32 header     see FileFormat, kind 'S'
///      32    8 segmentId  the number that the file is named after
///      40    8 created    milliseconds since 1970 UTC; orders nothing
///      48   12 zero
///      60    4 checksum   CRC-32C of [0, 60)
///      64      records, see RecordFormat; in an unsealed segment followed by zeros
/// ```
///
/// A sealed segment ends with a SEAL record and has nothing behind it.
public final class SegmentFormat {
  public static final int HEADER_BYTES = 64;

  private static final int SEGMENT_ID = 32;
  private static final int CREATED = 40;
  private static final int CHECKSUM = 60;
  private static final String SEGMENT_SUFFIX = ".seg";
  private static final String HINT_SUFFIX = ".hint";
  private static final String NEXT_HINT_SUFFIX = ".hint.tmp";
  private static final int ID_DIGITS_LEAST = 10;
  private static final int ID_DIGITS_MOST = 19;

  private SegmentFormat() {}

  public static String segmentName(long id) {
    return name(id, SEGMENT_SUFFIX);
  }

  public static String hintName(long id) {
    return name(id, HINT_SUFFIX);
  }

  /// What the hint file of a segment is called until it is whole.
  public static String nextHintName(long id) {
    return name(id, NEXT_HINT_SUFFIX);
  }

  /// The id in the name of a segment file; empty if it is not exactly such a name.
  public static OptionalLong segmentIdOf(String name) {
    return idOf(name, SEGMENT_SUFFIX);
  }

  /// The id in the name of a hint file; empty if it is not exactly such a name.
  public static OptionalLong hintIdOf(String name) {
    return idOf(name, HINT_SUFFIX);
  }

  /// Whether a name is that of a hint file that is not whole.
  public static boolean isNextHintName(String name) {
    return idOf(name, NEXT_HINT_SUFFIX).isPresent();
  }

  // Digit by digit: every open asks this of every file, and in a JVM that has just started a
  // formatter
  // and a pattern take longer than reading the files.
  private static String name(long id, String suffix) {
    String digits = Long.toString(id);
    return "0".repeat(Math.max(0, ID_DIGITS_LEAST - digits.length())) + digits + suffix;
  }

  private static OptionalLong idOf(String name, String suffix) {
    int digits = name.length() - suffix.length();
    if (digits < ID_DIGITS_LEAST || digits > ID_DIGITS_MOST || !name.endsWith(suffix)) {
      return OptionalLong.empty();
    }
    long id = 0;
    for (int i = 0; i < digits; i++) {
      int digit = name.charAt(i) - '0';
      if (digit < 0 || digit > 9 || id > (Long.MAX_VALUE - digit) / 10) {
        return OptionalLong.empty();
      }
      id = 10 * id + digit;
    }
    boolean isCanonical = digits == ID_DIGITS_LEAST || name.charAt(0) != '0';
    return isCanonical ? OptionalLong.of(id) : OptionalLong.empty();
  }

  static void writeHeader(MemorySegment file, StoreId store, long segmentId, long createdMillis) {
    FileFormat.write(file, FileFormat.Kind.SEGMENT, store);
    file.set(LittleEndian.LONG, SEGMENT_ID, segmentId);
    file.set(LittleEndian.LONG, CREATED, createdMillis);
    file.set(LittleEndian.INT, CHECKSUM, FileFormat.checksum(file, 0, CHECKSUM));
  }

  /// The number that a sound header of this store names; empty if the header is not sound.
  public static OptionalLong idInHeader(MemorySegment file, StoreId store) {
    boolean sound =
        file.byteSize() >= HEADER_BYTES
            && FileFormat.belongsTo(file, store)
            && file.get(LittleEndian.INT, CHECKSUM) == FileFormat.checksum(file, 0, CHECKSUM);
    return sound ? OptionalLong.of(file.get(LittleEndian.LONG, SEGMENT_ID)) : OptionalLong.empty();
  }

  /// Checks the header of a segment.
  ///
  /// @throws StoreCorruptionException if it is damaged or of another segment or store
  /// @throws dev.kvstore.StoreVersionException if it is of another version
  public static void checkHeader(MemorySegment file, StoreId store, long segmentId) {
    String name = segmentName(segmentId);
    FileFormat.check(file, name, FileFormat.Kind.SEGMENT, store);
    if (file.byteSize() < HEADER_BYTES
        || file.get(LittleEndian.INT, CHECKSUM) != FileFormat.checksum(file, 0, CHECKSUM)) {
      throw new StoreCorruptionException(name, CHECKSUM, "the segment's header does not verify");
    }
    long found = file.get(LittleEndian.LONG, SEGMENT_ID);
    if (found != segmentId) {
      throw new StoreCorruptionException(
          name, SEGMENT_ID, "this is segment " + found + " under another name");
    }
  }
}

package dev.kvstore.segment;

import dev.kvstore.StoreCorruptionException;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Pattern;

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
  private static final Pattern SEGMENT_NAME = Pattern.compile("([0-9]{10,19})\\.seg");
  private static final Pattern HINT_NAME = Pattern.compile("([0-9]{10,19})\\.hint");

  private SegmentFormat() {}

  public static String segmentName(long id) {
    return String.format(Locale.ROOT, "%010d.seg", id);
  }

  public static String hintName(long id) {
    return String.format(Locale.ROOT, "%010d.hint", id);
  }

  /// The id in the name of a segment file; empty if it is not exactly such a name.
  public static OptionalLong segmentIdOf(String name) {
    return idOf(SEGMENT_NAME, name);
  }

  /// The id in the name of a hint file; empty if it is not exactly such a name.
  public static OptionalLong hintIdOf(String name) {
    return idOf(HINT_NAME, name);
  }

  private static OptionalLong idOf(Pattern pattern, String name) {
    var matcher = pattern.matcher(name);
    if (!matcher.matches()) {
      return OptionalLong.empty();
    }
    try {
      long id = Long.parseLong(matcher.group(1));
      String canonical = String.format(Locale.ROOT, "%010d", id);
      return canonical.equals(matcher.group(1)) ? OptionalLong.of(id) : OptionalLong.empty();
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
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

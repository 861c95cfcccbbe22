package dev.kvstore.segment;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.zip.CRC32C;

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
  static final int ENTRIES = 64;
  static final int CHECKSUM_BYTES = 4;
  private static final int CHECK_PIECE_BYTES = 256 << 10;

  private final Mapping mapping; // owned
  private final HintEntries entries;

  private HintFile(Mapping mapping, HintEntries entries) {
    this.mapping = mapping;
    this.entries = entries;
  }

  // ---- Reading

  /// Opens the hint file of a segment and verifies all of it.
  ///
  /// @throws StoreCorruptionException if it is damaged or not the one of this seal
  /// @throws StoreIoException if it cannot be read
  public static HintFile open(Directory directory, StoreId store, SealedSegment sealed) {
    String name = SegmentFormat.hintName(sealed.id());
    try (FileHandle file = directory.open(name, Access.READ)) {
      if (file.size() < ENTRIES + CHECKSUM_BYTES) {
        throw new StoreCorruptionException(name, 0, "too short for a hint file");
      }
      Mapping mapping = Mapping.of(file, file.size(), Access.READ);
      try {
        return new HintFile(mapping, check(mapping.memory(), name, store, sealed));
      } catch (InternalError e) {
        mapping.retire();
        throw new StoreIoException(
            name + ": memory of the file is gone: it was cut, or the disk cannot read", e);
      } catch (Throwable e) {
        mapping.retire();
        throw e;
      }
    }
  }

  private static HintEntries check(
      MemorySegment memory, String name, StoreId store, SealedSegment sealed) {
    FileFormat.check(memory, name, FileFormat.Kind.HINT, store);
    long checksumAt = memory.byteSize() - CHECKSUM_BYTES;
    if (memory.get(LittleEndian.INT, checksumAt) != FileFormat.checksum(memory, 0, checksumAt)) {
      throw new StoreCorruptionException(name, checksumAt, "the hint file does not verify");
    }
    requireOf(memory, memory.byteSize(), name, sealed);
    return new HintEntries(memory.asSlice(ENTRIES, sealed.records() * HintEntries.ENTRY_BYTES));
  }

  /// Checks that a hint file was made from this segment.
  ///
  /// @param head what stands before the entries
  private static void requireOf(
      MemorySegment head, long fileBytes, String name, SealedSegment sealed) {
    long count = head.get(LittleEndian.LONG, COUNT);
    boolean fits =
        count == sealed.records()
            && count == (fileBytes - CHECKSUM_BYTES - ENTRIES) / HintEntries.ENTRY_BYTES
            && fileBytes == bytesFor(count)
            && head.get(LittleEndian.LONG, SEGMENT_ID) == sealed.id()
            && head.get(LittleEndian.LONG, SEGMENT_BYTES) == sealed.bytes()
            && head.get(LittleEndian.INT, SEAL_CHECKSUM) == sealed.sealChecksum();
    if (!fits) {
      throw new StoreCorruptionException(
          name, SEGMENT_ID, "it was made from another version of the segment");
    }
  }

  /// Checks the hint file of a segment piece by piece, and keeps nothing of it.
  ///
  /// @throws StoreCorruptionException if it is damaged or not the one of this seal
  public static void check(SegmentBytes file, long fileBytes, StoreId store, SealedSegment sealed) {
    String name = SegmentFormat.hintName(sealed.id());
    if (fileBytes < ENTRIES + CHECKSUM_BYTES) {
      throw new StoreCorruptionException(name, 0, "too short for a hint file");
    }
    byte[] piece = new byte[(int) Math.min(fileBytes, CHECK_PIECE_BYTES)];
    file.read(0, piece, 0, ENTRIES);
    MemorySegment head = MemorySegment.ofArray(Arrays.copyOf(piece, ENTRIES));
    FileFormat.check(head, name, FileFormat.Kind.HINT, store);
    requireOf(head, fileBytes, name, sealed);
    CRC32C crc = new CRC32C();
    long checksumAt = fileBytes - CHECKSUM_BYTES;
    for (long at = 0; at < checksumAt; ) {
      int length = (int) Math.min(piece.length, checksumAt - at);
      file.read(at, piece, 0, length);
      crc.update(piece, 0, length);
      at += length;
    }
    file.read(checksumAt, piece, 0, CHECKSUM_BYTES);
    int stored = MemorySegment.ofArray(piece).get(LittleEndian.INT, 0);
    if (stored != (int) crc.getValue()) {
      throw new StoreCorruptionException(name, checksumAt, "the hint file does not verify");
    }
  }

  /// Bytes of the hint file of a segment.
  public static long bytesOf(SealedSegment sealed) {
    return bytesFor(sealed.records());
  }

  /// Its entries, as long as it is open.
  public HintEntries entries() {
    return entries;
  }

  /// Bytes of the file.
  public long bytes() {
    return mapping.memory().byteSize();
  }

  @Override
  public void close() {
    mapping.retire();
  }

  // ---- Writing; see HintWriter

  static long bytesFor(long records) {
    return ENTRIES + records * HintEntries.ENTRY_BYTES + CHECKSUM_BYTES;
  }

  /// Writes what stands before the entries.
  static void writeHeader(MemorySegment hint, StoreId store, SealedSegment sealed) {
    FileFormat.write(hint, FileFormat.Kind.HINT, store);
    hint.set(LittleEndian.LONG, SEGMENT_ID, sealed.id());
    hint.set(LittleEndian.LONG, SEGMENT_BYTES, sealed.bytes());
    hint.set(LittleEndian.LONG, COUNT, sealed.records());
    hint.set(LittleEndian.INT, SEAL_CHECKSUM, sealed.sealChecksum());
  }
}

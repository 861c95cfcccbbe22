package dev.kvstore.segment;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.io.Directory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/// Ends a segment: SEAL record, force, cut, read-only mapping, hint file.
///
/// One thread at a time for one segment; nobody appends to it any more. A crash at any step leaves a
/// segment that recovery reads to its last whole record, with or without the seal.
public final class SegmentSealer {
  private final Directory directory;
  private final StoreId store;
  private final KeyHasher hasher;

  public SegmentSealer(Directory directory, StoreId store, KeyHasher hasher) {
    this.directory = directory;
    this.store = store;
    this.hasher = hasher;
  }

  /// Seals what the writer has written, or tells how it was sealed before. On return it is durable and
  /// read-only; it becomes a sealed segment of the store by the manifest that lists it, and
  /// [Segment#markSealed] is for the caller to call then. A hint file that does not fit on the disk is
  /// done without.
  public SealedSegment seal(SegmentWriter writer, long timestampMillis) {
    SealedSegment before = writer.sealed();
    if (before != null) {
      return before;
    }
    Segment segment = writer.segment();
    Summary summary = Summary.of(segment);
    // Forced before the seal, because a seal vouches for everything before it.
    writer.force();
    writer.appendSeal(summary.seal(), timestampMillis);
    long sealOffset = segment.end() - RecordFormat.SEAL_BYTES;
    int sealChecksum = RecordFormat.checksum(segment.memory(), sealOffset);
    writer.cutAndClose();
    SealedSegment sealed =
        new SealedSegment(
            segment.id(),
            segment.end(),
            summary.seal().records(),
            summary.tombstoneBytes(),
            summary.seal().minSequence(),
            summary.seal().maxSequence(),
            sealChecksum);
    writer.markSealed(sealed);
    writeHint(segment, sealed);
    return sealed;
  }

  /// Whether a segment holds anything but marks; one that does not need not be kept. What does not
  /// verify counts as something.
  public static boolean hasRecords(Segment segment) {
    SegmentScanner scanner = new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.end());
    while (scanner.next()) {
      if (scanner.kind() == RecordFormat.PUT || scanner.kind() == RecordFormat.DELETE) {
        return true;
      }
    }
    return scanner.problem() != null;
  }

  /// Writes the hint file of a sealed segment, if there is space for it.
  public void writeHint(Segment segment, SealedSegment sealed) {
    try {
      HintFile.write(directory, store, segment, sealed, hasher);
    } catch (StoreIoException e) {
      System.getLogger(SegmentSealer.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "no hint file for {0}, the next open will scan it: {1}",
              segment.name(),
              e.getMessage());
    }
  }

  /// What a walk over the records of a segment adds up.
  public record Summary(Seal seal, long tombstoneBytes) {

    /// Walks over all records up to the segment's end and believes none unverified; a seal is not
    /// counted.
    ///
    /// @throws StoreCorruptionException if something does not verify
    public static Summary of(Segment segment) {
      MemorySegment log = segment.memory();
      SegmentScanner scanner =
          new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.end());
      CRC32C digest = new CRC32C();
      ByteBuffer word = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      long records = 0;
      long tombstoneBytes = 0;
      long minSequence = Long.MAX_VALUE;
      long maxSequence = 0;
      while (scanner.next() && scanner.kind() != RecordFormat.SEAL) {
        digest.update(word.clear().putInt(RecordFormat.checksum(log, scanner.offset())).flip());
        if (scanner.kind() == RecordFormat.MARK) {
          continue;
        }
        records++;
        minSequence = Math.min(minSequence, scanner.sequence());
        maxSequence = Math.max(maxSequence, scanner.sequence());
        if (scanner.kind() == RecordFormat.DELETE) {
          tombstoneBytes += scanner.recordBytes();
        }
      }
      String problem = scanner.problem();
      if (problem != null) {
        throw new StoreCorruptionException(segment.name(), scanner.position(), problem);
      }
      return new Summary(
          new Seal(records, minSequence, maxSequence, (int) digest.getValue()), tombstoneBytes);
    }
  }
}

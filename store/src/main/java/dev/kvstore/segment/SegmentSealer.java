package dev.kvstore.segment;

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
    Summary summary = Summary.of(segment.memory(), segment.end());
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

  /// Whether a segment holds any PUT or DELETE; one that does not need not be kept.
  public static boolean hasRecords(Segment segment) {
    MemorySegment log = segment.memory();
    long at = SegmentFormat.HEADER_BYTES;
    while (at < segment.end() && RecordFormat.kind(log, at) > RecordFormat.DELETE) {
      at += RecordFormat.recordBytes(log, at);
    }
    return at < segment.end();
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

  /// What a walk over the headers of a segment adds up.
  public record Summary(Seal seal, long tombstoneBytes) {

    /// Walks over records that are known to be whole, up to `end`; a seal is not counted.
    public static Summary of(MemorySegment log, long end) {
      CRC32C digest = new CRC32C();
      ByteBuffer word = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      long records = 0;
      long tombstoneBytes = 0;
      long minSequence = Long.MAX_VALUE;
      long maxSequence = 0;
      for (long at = SegmentFormat.HEADER_BYTES; at < end; ) {
        long bytes = RecordFormat.recordBytes(log, at);
        int kind = RecordFormat.kind(log, at);
        if (kind == RecordFormat.SEAL) {
          break;
        }
        digest.update(word.clear().putInt(RecordFormat.checksum(log, at)).flip());
        if (kind != RecordFormat.MARK) {
          records++;
          minSequence = Math.min(minSequence, RecordFormat.sequence(log, at));
          maxSequence = Math.max(maxSequence, RecordFormat.sequence(log, at));
        }
        if (kind == RecordFormat.DELETE) {
          tombstoneBytes += bytes;
        }
        at += bytes;
      }
      return new Summary(
          new Seal(records, minSequence, maxSequence, (int) digest.getValue()), tombstoneBytes);
    }
  }
}

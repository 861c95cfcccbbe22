package dev.kvstore.segment;

import dev.kvstore.segment.StretchScanner.Found;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/// Adds up what a [Seal] says of the records before it, in the order of the log, whoever reads them. One
/// thread at a time.
public final class SegmentTally {
  private static final int WORDS = 1024;

  // Stored checksums that are not in the digest yet: one call for many, since a call costs as much
  // as a hundred bytes.
  private final ByteBuffer words =
      ByteBuffer.allocate(WORDS * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final CRC32C digest = new CRC32C();

  private long records;
  private long tombstoneBytes;
  private long minSequence = Long.MAX_VALUE;
  private long maxSequence;

  /// A MARK record.
  void mark(int storedChecksum) {
    if (!words.hasRemaining()) {
      digestWords();
    }
    words.putInt(storedChecksum);
  }

  /// A PUT or DELETE record.
  void record(int storedChecksum, long sequence, long bytes, boolean delete) {
    mark(storedChecksum);
    records++;
    minSequence = Math.min(minSequence, sequence);
    maxSequence = Math.max(maxSequence, sequence);
    if (delete) {
      tombstoneBytes += bytes;
    }
  }

  /// A PUT, DELETE or MARK at this place, which has been verified.
  public void add(Segment segment, long offset) {
    MemorySegment log = segment.memory();
    int storedChecksum = RecordFormat.checksum(log, offset);
    int kind = RecordFormat.kind(log, offset);
    if (kind == RecordFormat.MARK) {
      mark(storedChecksum);
    } else {
      record(
          storedChecksum,
          RecordFormat.sequence(log, offset),
          RecordFormat.recordBytes(log, offset),
          kind == RecordFormat.DELETE);
    }
  }

  /// A stretch of the log.
  public void add(Found found) {
    digestWords();
    found.addTo(digest);
    if (found.entries() > 0) {
      records += found.entries();
      minSequence = Math.min(minSequence, found.firstSequence());
      maxSequence = Math.max(maxSequence, found.lastSequence());
      tombstoneBytes += found.tombstoneBytes();
    }
  }

  private void digestWords() {
    digest.update(words.flip());
    words.clear();
  }

  public SegmentSealer.Summary summary() {
    digestWords();
    Seal seal = new Seal(records, minSequence, maxSequence, (int) digest.getValue());
    return new SegmentSealer.Summary(seal, tombstoneBytes);
  }
}

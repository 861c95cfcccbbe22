package dev.kvstore.segment;

import dev.kvstore.segment.SegmentSealer.Summary;
import dev.kvstore.segment.StretchScanner.Found;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/// Adds up what a seal says of a segment while its records are read one after the other, so that they
/// need not be read again to seal it.
///
/// Threads: one at a time.
public final class SegmentSummary {
  private final CRC32C digest = new CRC32C();
  private final ByteBuffer word = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private long records;
  private long tombstoneBytes;
  private long minSequence = Long.MAX_VALUE;
  private long maxSequence;

  /// Adds a whole stretch of the log.
  public void add(Found found) {
    found.addTo(digest);
    tombstoneBytes += found.tombstoneBytes();
    if (found.entries() > 0) {
      addSequences(found.entries(), found.firstSequence(), found.lastSequence());
    }
  }

  /// Adds one PUT, DELETE or MARK, which has been verified.
  public void add(Segment segment, long offset) {
    MemorySegment log = segment.memory();
    digest.update(word.clear().putInt(RecordFormat.checksum(log, offset)).flip());
    int kind = RecordFormat.kind(log, offset);
    if (kind == RecordFormat.MARK) {
      return;
    }
    long sequence = RecordFormat.sequence(log, offset);
    addSequences(1, sequence, sequence);
    if (kind == RecordFormat.DELETE) {
      tombstoneBytes += RecordFormat.recordBytes(log, offset);
    }
  }

  private void addSequences(long count, long first, long last) {
    records += count;
    minSequence = Math.min(minSequence, first);
    maxSequence = Math.max(maxSequence, last);
  }

  public Summary get() {
    return new Summary(
        new Seal(records, minSequence, maxSequence, (int) digest.getValue()), tombstoneBytes);
  }
}

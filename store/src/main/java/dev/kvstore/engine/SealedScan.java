package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentScanner;
import dev.kvstore.segment.StretchScanner.Found;
import dev.kvstore.segment.StretchScanner.Stretch;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Takes the records of one sealed segment that has no good hint. Everything in it was durable: what does
/// not verify is damage, and what verifies behind it counts.
final class SealedScan implements OrderedScan.Taker {
  private final Segment segment;
  private final long from;
  private final KeyHasher hasher;
  private final Findings findings;
  private final byte[] key = new byte[0xFFFF];

  private long position;
  private long lastBegin = -1;
  private long records;

  SealedScan(Segment segment, long from, KeyHasher hasher, Findings findings) {
    this.segment = segment;
    this.from = from;
    this.hasher = hasher;
    this.findings = findings;
    this.position = from;
  }

  /// Where it begins.
  long from() {
    return from;
  }

  @Override
  public boolean isOver() {
    return false;
  }

  @Override
  public void take(Stretch stretch, @Nullable Found found, EntryBatch batch) {
    if (found != null && lastBegin < stretch.to() && found.from() == position) {
      batch.truncate(found.entries());
      records += found.records();
      position = found.end();
      lastBegin = found.lastBegin();
    } else {
      batch.truncate(0);
    }
    if (lastBegin < stretch.to() && position < stretch.limit()) {
      readOn(stretch, batch);
    }
    if (stretch.to() == stretch.limit()) {
      findings.scanned(segment.name(), from, segment.end(), records);
    }
  }

  /// Reads to where the next stretch begins, whatever there is.
  private void readOn(Stretch stretch, EntryBatch batch) {
    SegmentScanner scanner = new SegmentScanner(segment, position, stretch.limit());
    boolean inBatch = false;
    while (lastBegin < stretch.to() || inBatch) {
      if (scanner.next()) {
        records++;
        lastBegin = scanner.offset();
        inBatch = scanner.batchLeft() > 0;
        if (scanner.kind() == RecordFormat.PUT || scanner.kind() == RecordFormat.DELETE) {
          batch.add(
              hasher.hash(key, 0, scanner.copyKey(key)),
              scanner.sequence(),
              scanner.offset(),
              scanner.recordBytes(),
              scanner.kind() == RecordFormat.DELETE);
        }
        continue;
      }
      String problem = scanner.problem();
      if (problem == null) {
        break;
      }
      long damagedFrom = scanner.position();
      List<byte[]> keys = scanner.likelyKeys();
      boolean more = scanner.resync();
      findings.damage(
          new Damage(segment.name(), damagedFrom, scanner.position() - damagedFrom, problem, keys));
      if (!more) {
        break;
      }
    }
    position = scanner.position();
  }
}

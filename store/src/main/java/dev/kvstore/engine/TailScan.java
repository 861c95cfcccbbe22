package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import dev.kvstore.segment.SegmentSealer.Summary;
import dev.kvstore.segment.SegmentTally;
import dev.kvstore.segment.StretchScanner.Found;
import dev.kvstore.segment.StretchScanner.Stretch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Replays the open segments, the end of the log, up to the last whole write.
///
/// Sequence numbers of the log have no gaps, so the next record is known by its number. Where it does
/// not come, either a crash has left a tail, or something that was durable is damaged. The log itself
/// tells which: if any MARK or SEAL behind that place says that the missing sequence was durable, it
/// is damage. Otherwise it is a tail, and everything from there on is dropped, also whole records and
/// later segments: what a power loss kept of them would leave a hole.
///
/// What the stretches found that were read ahead is taken in one go as long as it is what comes next;
/// from where it is not, record by record.
final class TailScan implements OrderedScan.Taker {
  private static final long ANY = -1;

  private final List<Segment> open;
  private final KeyHasher hasher;
  private final Findings findings;
  private final byte[] key = new byte[0xFFFF];

  private long expected;
  private long last;
  private long durable;
  private boolean endsWithMark = true; // until something else is read
  private volatile boolean over;

  // The segment that is being read.
  private int number = -1;
  private long from;
  private long whole; // everything before is replayed
  private long lastBegin; // of the last record before
  private long records;
  private boolean finished;
  private @Nullable SegmentTally tally; // null if it cannot be told from what was read

  // The batch that is being read: offsets of its records so far.
  private long[] batch = new long[16];
  private int batchCount;

  /// Segments that stay, each with its end published; the last of them may have had a tail.
  private final List<Segment> kept = new ArrayList<>();

  private final Map<Segment, SegmentTally> tallies = new HashMap<>();

  /// @param lastSequence of the log before the open segments
  TailScan(List<Segment> open, KeyHasher hasher, Findings findings, long lastSequence) {
    this.open = open;
    this.hasher = hasher;
    this.findings = findings;
    this.expected = lastSequence + 1;
    this.last = lastSequence;
    this.durable = lastSequence;
  }

  /// The segments that are read.
  List<Segment> open() {
    return open;
  }

  /// Whether there is nothing to read: an image covers all of the one open segment, or there is none.
  boolean isCovered(long first) {
    return open.isEmpty() || (open.size() == 1 && first == open.getFirst().memory().byteSize());
  }

  /// Takes the open segment as it is, because an image covers it.
  void takeCovered(long first) {
    if (!open.isEmpty()) {
      whole = first;
      from = first;
      finish(open.getFirst());
    }
  }

  /// Has everything read.
  ///
  /// @param first where to begin in the first segment
  void addTo(OrderedScan scan, long first) {
    for (int i = 0; i < open.size(); i++) {
      Segment segment = open.get(i);
      long begin = i == 0 ? first : SegmentFormat.HEADER_BYTES;
      scan.add(segment, begin, segment.memory().byteSize(), true, this);
    }
  }

  @Override
  public boolean isOver() {
    return over;
  }

  @Override
  public void take(Stretch stretch, @Nullable Found found, EntryBatch entries) {
    if (over) {
      entries.truncate(0);
      return;
    }
    if (stretch.exact()) {
      begin(stretch);
    }
    boolean isWanted = !finished && lastBegin < stretch.to();
    if (found != null && isWanted && isNext(found)) {
      entries.truncate(found.entries());
      adopt(found);
      isWanted = lastBegin < stretch.to();
    } else {
      entries.truncate(0);
    }
    if (isWanted && !readOn(open.get(number), stretch.to(), entries)) {
      over = true;
    }
  }

  private void begin(Stretch stretch) {
    number++;
    from = stretch.from();
    whole = from;
    lastBegin = -1;
    records = 0;
    finished = false;
    tally = from == SegmentFormat.HEADER_BYTES ? new SegmentTally() : null;
  }

  /// Whether what was found goes on where the log has come to.
  private boolean isNext(Found found) {
    return found.from() == whole
        && batchCount == 0
        && (found.entries() == 0 || expected == ANY || found.firstSequence() == expected);
  }

  private void adopt(Found found) {
    if (found.records() == 0) {
      return;
    }
    whole = found.end();
    lastBegin = found.lastBegin();
    if (tally != null) {
      tally.add(found);
    }
    records += found.records();
    if (found.entries() > 0) {
      last = found.lastSequence();
      expected = last + 1;
    }
    durable = Math.max(durable, found.markedSequence());
    endsWithMark = found.endsWithMark();
  }

  /// Replays record by record, to where the next stretch begins. False if the log ends before.
  private boolean readOn(Segment segment, long to, EntryBatch entries) {
    long limit = segment.memory().byteSize();
    SegmentScanner scanner = new SegmentScanner(segment, whole, limit);
    while (true) {
      boolean read = scanner.next();
      if (read && fits(scanner)) {
        records++;
        boolean isWhole = take(segment, scanner, entries);
        if (scanner.kind() == RecordFormat.SEAL) {
          break; // sealed, but not in the manifest yet: it is sealed again, from before the seal
        }
        if (isWhole) {
          whole = scanner.position();
          lastBegin = scanner.offset();
          if (lastBegin >= to) {
            return true;
          }
        }
        continue;
      }
      String problem = problem(scanner, read);
      SegmentScanner rest = new SegmentScanner(segment, whole, limit);
      long nonZero = rest.lastNonZero();
      if (nonZero == whole && !laterRecords(number)) {
        break; // nothing follows: the log ends here, and it does so cleanly
      }
      if (nonZero == whole ? continuesAt(number + 1) : hasNext(number + 1)) {
        // A full segment that was not sealed yet. A power loss may leave anything where it was
        // never used, and nothing is missing, since the next sequence is in the next segment.
        break;
      }
      long batchEnd = read ? scanner.offset() : scanner.position();
      TailInventory tail = TailInventory.of(open, number, whole, batchEnd, last + 1, problem);
      if (!tail.isVouchedFor()) {
        findings.tailCut(tail.dropped());
        finish(segment);
        return false;
      }
      tally = null;
      // Replay what is whole of an interrupted batch: all of it was durable.
      applyBatch(segment, entries);
      long damagedFrom = read ? scanner.offset() : scanner.position();
      List<byte[]> keys = read ? List.of() : scanner.likelyKeys();
      if (!read) {
        scanner.resync();
      }
      long damagedTo = read ? scanner.offset() : scanner.position();
      findings.damage(
          new Damage(segment.name(), damagedFrom, damagedTo - damagedFrom, problem, keys));
      expected = ANY;
      if (read) {
        take(segment, scanner, entries);
      }
      whole = scanner.position();
      if (whole >= limit) {
        break;
      }
    }
    finish(segment);
    return true;
  }

  private String problem(SegmentScanner scanner, boolean read) {
    if (read) {
      return "sequence "
          + scanner.sequence()
          + " follows where "
          + expected
          + " should: records between are missing";
    }
    String problem = scanner.problem();
    return problem == null ? "the segment ends within a batch" : problem;
  }

  private void finish(Segment segment) {
    records -= batchCount; // they do not count
    batchCount = 0;
    finished = true;
    segment.publishEnd(whole);
    kept.add(segment);
    findings.scanned(segment.name(), from, whole, records);
    if (tally != null) {
      tallies.put(segment, tally);
    }
  }

  /// Whether a record may come next.
  private boolean fits(SegmentScanner scanner) {
    if (scanner.kind() == RecordFormat.MARK || scanner.kind() == RecordFormat.SEAL) {
      return batchCount == 0;
    }
    return expected == ANY || scanner.sequence() == expected;
  }

  /// Takes a record. True if everything up to it is a whole write.
  private boolean take(Segment segment, SegmentScanner scanner, EntryBatch entries) {
    endsWithMark = false;
    if (scanner.kind() == RecordFormat.MARK || scanner.kind() == RecordFormat.SEAL) {
      durable = Math.max(durable, scanner.sequence());
      endsWithMark = true;
      if (tally != null && scanner.kind() == RecordFormat.MARK) {
        tally.add(segment, scanner.offset());
      }
      return true;
    }
    if (batchCount == batch.length) {
      batch = Arrays.copyOf(batch, batchCount * 2);
    }
    batch[batchCount++] = scanner.offset();
    expected = scanner.sequence() + 1;
    if (scanner.batchLeft() > 0) {
      return false;
    }
    applyBatch(segment, entries);
    return true;
  }

  private void applyBatch(Segment segment, EntryBatch entries) {
    MemorySegment log = segment.memory();
    for (int i = 0; i < batchCount; i++) {
      long offset = batch[i];
      int keySize = RecordFormat.keySize(log, offset);
      MemorySegment.copy(
          log, ValueLayout.JAVA_BYTE, offset + RecordFormat.HEADER_BYTES, key, 0, keySize);
      last = RecordFormat.sequence(log, offset);
      entries.add(
          hasher.hash(key, 0, keySize),
          last,
          offset,
          RecordFormat.recordBytes(log, offset),
          RecordFormat.kind(log, offset) == RecordFormat.DELETE);
      if (tally != null) {
        tally.add(segment, offset);
      }
    }
    batchCount = 0;
  }

  /// Whether the log goes on without a gap in this segment.
  private boolean continuesAt(int number) {
    if (number >= open.size() || batchCount > 0) {
      return false;
    }
    SegmentScanner scanner = scannerOf(open.get(number));
    while (scanner.next()) {
      if (scanner.kind() == RecordFormat.PUT || scanner.kind() == RecordFormat.DELETE) {
        return expected == ANY || scanner.sequence() == expected;
      }
    }
    boolean torn = scanner.lastNonZero() > scanner.position();
    return !torn && (!laterRecords(number) || continuesAt(number + 1));
  }

  /// Whether this segment begins with the very record that comes next, or holds none and the one behind it
  /// does: a segment that was too small for a large write is passed over.
  private boolean hasNext(int number) {
    if (number >= open.size() || batchCount > 0 || expected == ANY) {
      return false;
    }
    SegmentScanner scanner = scannerOf(open.get(number));
    while (scanner.next()) {
      if (scanner.kind() == RecordFormat.PUT || scanner.kind() == RecordFormat.DELETE) {
        return scanner.sequence() == expected;
      }
    }
    return scanner.lastNonZero() == scanner.position() && hasNext(number + 1);
  }

  /// Whether any segment behind this one holds anything.
  private boolean laterRecords(int number) {
    for (Segment later : open.subList(number + 1, open.size())) {
      if (scannerOf(later).hasNonZero()) {
        return true;
      }
    }
    return false;
  }

  private static SegmentScanner scannerOf(Segment segment) {
    return new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.memory().byteSize());
  }

  // ---- What came out

  List<Segment> kept() {
    return kept;
  }

  /// What the records of a segment add up to; null if not all of it was read.
  @Nullable Summary summaryOf(Segment segment) {
    SegmentTally added = tallies.get(segment);
    return added == null ? null : added.summary();
  }

  long lastSequence() {
    return last;
  }

  /// The highest sequence that the log proves was durable.
  long durableSequence() {
    return Math.min(durable, last);
  }

  /// Whether the last thing in the log is a mark that everything in it was durable.
  boolean endsDurable() {
    return endsWithMark && durable >= last;
  }
}

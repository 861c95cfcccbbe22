package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Replays the open segments, the end of the log, up to the last whole write.
///
/// Sequence numbers of the log have no gaps, so the next record is known by its number. Where it does
/// not come, either a crash has left a tail, or something that was durable is damaged. The log itself
/// tells which: if any MARK or SEAL behind that place says that the missing sequence was durable, it
/// is damage. Otherwise it is a tail, and everything from there on is dropped, also whole records and
/// later segments: what a power loss kept of them would leave a hole.
final class TailScan {
  private static final long ANY = -1;

  private final List<Segment> open;
  private final IndexLoader loader;
  private final KeyHasher hasher;
  private final Findings findings;
  private final byte[] key = new byte[0xFFFF];

  // The batch that is being read: offsets of its records so far.
  private long[] batch = new long[16];
  private int batchCount;

  private long expected;
  private long last;
  private long durable;
  private boolean endsWithMark = true; // until something else is read

  /// Segments that stay, each with its end published; the last of them may have had a tail.
  private final List<Segment> kept = new ArrayList<>();

  /// @param lastSequence of the log before the open segments
  TailScan(
      List<Segment> open,
      IndexLoader loader,
      KeyHasher hasher,
      Findings findings,
      long lastSequence) {
    this.open = open;
    this.loader = loader;
    this.hasher = hasher;
    this.findings = findings;
    this.expected = lastSequence + 1;
    this.last = lastSequence;
    this.durable = lastSequence;
  }

  /// Replays everything.
  ///
  /// @param first where to begin in the first segment
  void run(long first) {
    for (int i = 0; i < open.size(); i++) {
      long from = i == 0 ? first : SegmentFormat.HEADER_BYTES;
      if (!scan(i, from)) {
        drop(i + 1);
        return;
      }
    }
  }

  /// Replays one segment. False if the log ends in it.
  private boolean scan(int number, long from) {
    Segment segment = open.get(number);
    long limit = segment.memory().byteSize();
    SegmentScanner scanner = new SegmentScanner(segment, from, limit);
    long whole = from; // everything before is replayed
    long records = 0;
    while (true) {
      boolean read = scanner.next();
      if (read && fits(scanner)) {
        records++;
        boolean isWhole = take(segment, scanner);
        if (scanner.kind() == RecordFormat.SEAL) {
          break; // sealed, but not in the manifest yet: it is sealed again, from before the seal
        }
        if (isWhole) {
          whole = scanner.position();
        }
        continue;
      }
      String problem = problem(scanner, read);
      SegmentScanner rest = new SegmentScanner(segment, whole, limit);
      long nonZero = rest.lastNonZero();
      if (nonZero == whole && !laterRecords(number)) {
        break; // nothing follows: the log ends here, and it does so cleanly
      }
      if (nonZero == whole && continuesAt(number + 1)) {
        break; // a full segment that was not sealed yet
      }
      if (!provenDurable(number, whole)) {
        findings.tailCut(nonZero - whole, problem);
        finish(segment, whole, records, from);
        return false;
      }
      // Replay what is whole of an interrupted batch: all of it was durable.
      applyBatch(segment);
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
        take(segment, scanner);
      }
      whole = scanner.position();
      if (whole >= limit) {
        break;
      }
    }
    finish(segment, whole, records, from);
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

  private void finish(Segment segment, long end, long records, long from) {
    batchCount = 0;
    segment.publishEnd(end);
    kept.add(segment);
    findings.scanned(records, end - from);
  }

  /// Whether a record may come next.
  private boolean fits(SegmentScanner scanner) {
    if (scanner.kind() == RecordFormat.MARK || scanner.kind() == RecordFormat.SEAL) {
      return batchCount == 0;
    }
    return expected == ANY || scanner.sequence() == expected;
  }

  /// Takes a record. True if everything up to it is a whole write.
  private boolean take(Segment segment, SegmentScanner scanner) {
    endsWithMark = false;
    if (scanner.kind() == RecordFormat.MARK || scanner.kind() == RecordFormat.SEAL) {
      durable = Math.max(durable, scanner.sequence());
      endsWithMark = true;
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
    applyBatch(segment);
    return true;
  }

  private void applyBatch(Segment segment) {
    MemorySegment log = segment.memory();
    for (int i = 0; i < batchCount; i++) {
      long offset = batch[i];
      int keySize = RecordFormat.keySize(log, offset);
      MemorySegment.copy(
          log, ValueLayout.JAVA_BYTE, offset + RecordFormat.HEADER_BYTES, key, 0, keySize);
      last = RecordFormat.sequence(log, offset);
      loader.load(
          segment,
          offset,
          hasher.hash(key, 0, keySize),
          RecordFormat.recordBytes(log, offset),
          last,
          RecordFormat.kind(log, offset) == RecordFormat.DELETE);
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

  /// Whether any segment behind this one holds anything.
  private boolean laterRecords(int number) {
    for (Segment later : open.subList(number + 1, open.size())) {
      SegmentScanner scanner = scannerOf(later);
      if (scanner.lastNonZero() > SegmentFormat.HEADER_BYTES) {
        return true;
      }
    }
    return false;
  }

  /// Whether anything behind a place says that the sequence missing there was durable.
  private boolean provenDurable(int number, long from) {
    long missing = last + 1;
    for (int i = number; i < open.size(); i++) {
      Segment segment = open.get(i);
      long begin = i == number ? from : SegmentFormat.HEADER_BYTES;
      SegmentScanner scanner = new SegmentScanner(segment, begin, segment.memory().byteSize());
      do {
        while (scanner.next()) {
          boolean vouches =
              scanner.kind() == RecordFormat.MARK || scanner.kind() == RecordFormat.SEAL;
          if (vouches && scanner.sequence() >= missing) {
            return true;
          }
        }
      } while (scanner.problem() != null && scanner.resync());
    }
    return false;
  }

  private static SegmentScanner scannerOf(Segment segment) {
    return new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.memory().byteSize());
  }

  private void drop(int from) {
    for (Segment segment : open.subList(from, open.size())) {
      SegmentScanner scanner = scannerOf(segment);
      long bytes = scanner.lastNonZero() - SegmentFormat.HEADER_BYTES;
      if (bytes > 0) {
        findings.tailCut(bytes, "behind a gap in the log");
      }
    }
  }

  // ---- What came out

  List<Segment> kept() {
    return kept;
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

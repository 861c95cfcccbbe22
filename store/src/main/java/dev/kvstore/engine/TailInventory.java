package dev.kvstore.engine;

import dev.kvstore.RecoveryReport.Dropped;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import java.util.ArrayList;
import java.util.List;

/// What stands behind the place where the log does not go on: whether anything there says that what is
/// missing was durable, and if not, what is dropped with it.
///
/// Memory is bounded: of the keys of a stretch only the first are kept.
final class TailInventory {
  private static final int KEYS_MAX = 1000;
  private static final int KEY_BYTES_MAX = 64 << 10;
  private static final String BEHIND_A_GAP = "behind a gap in the log";

  private final long missing;
  private final List<Dropped> dropped = new ArrayList<>();
  private boolean vouchedFor;

  private TailInventory(long missing) {
    this.missing = missing;
  }

  /// Reads all that is left of the open segments.
  ///
  /// @param number of the segment in which the log does not go on
  /// @param whole where its last whole write ends
  /// @param batchEnd where the records of the write that comes next end, as far as it is there
  /// @param missing the sequence that should come next behind the last whole write
  /// @param problem why the log does not go on
  static TailInventory of(
      List<Segment> open, int number, long whole, long batchEnd, long missing, String problem) {
    TailInventory tail = new TailInventory(missing);
    if (batchEnd > whole) {
      String reason = "the batch is not whole: " + problem;
      tail.take(open.get(number), whole, batchEnd, missing, reason);
      // Its records are not all that is missing of it.
      long next = tail.dropped.isEmpty() ? missing : tail.dropped.getFirst().lastSequence() + 1;
      tail.take(open.get(number), batchEnd, Long.MAX_VALUE, next, problem);
    } else {
      tail.take(open.get(number), whole, Long.MAX_VALUE, missing, problem);
    }
    for (Segment later : open.subList(number + 1, open.size())) {
      tail.take(later, SegmentFormat.HEADER_BYTES, Long.MAX_VALUE, 0, BEHIND_A_GAP);
    }
    return tail;
  }

  /// Whether what is missing was durable: then this is damage, and no tail.
  boolean isVouchedFor() {
    return vouchedFor;
  }

  /// What is dropped if it is a tail, in the order of the log.
  List<Dropped> dropped() {
    return dropped;
  }

  /// Takes a stretch that ends here, or with the last byte of the segment that is not zero.
  ///
  /// @param first the sequence it must begin with; 0 if nobody knows
  private void take(Segment segment, long from, long end, long first, String reason) {
    if (vouchedFor) {
      return;
    }
    long limit = Math.min(end, segment.memory().byteSize());
    SegmentScanner scanner = new SegmentScanner(segment, from, limit);
    long to = end == Long.MAX_VALUE ? scanner.lastNonZero() : limit;
    if (to == from) {
      return;
    }
    Stretch stretch = new Stretch(first);
    do {
      while (scanner.next()) {
        switch (scanner.kind()) {
          case RecordFormat.MARK, RecordFormat.SEAL -> {
            if (scanner.sequence() >= missing) {
              vouchedFor = true;
              return;
            }
          }
          default -> stretch.add(scanner);
        }
      }
      if (scanner.problem() != null) {
        scanner.likelyKeys().forEach(stretch::add);
      }
    } while (scanner.problem() != null && scanner.resync());
    dropped.add(stretch.done(segment.name(), from, to - from, reason));
  }

  /// What is in one stretch.
  private static final class Stretch {
    private final List<byte[]> keys = new ArrayList<>();
    private long keyCount;
    private long keyBytes;
    private long records;
    private long lowest;
    private long highest;

    Stretch(long first) {
      lowest = first;
      highest = first;
    }

    void add(SegmentScanner scanner) {
      records++;
      lowest = lowest == 0 ? scanner.sequence() : Math.min(lowest, scanner.sequence());
      highest = Math.max(highest, scanner.sequence());
      byte[] key = new byte[scanner.keySize()];
      scanner.copyKey(key);
      add(key);
    }

    void add(byte[] key) {
      keyCount++;
      keyBytes += key.length;
      if (keyCount <= KEYS_MAX && keyBytes <= KEY_BYTES_MAX) {
        keys.add(key);
      }
    }

    Dropped done(String file, long offset, long bytes, String reason) {
      return new Dropped(
          file, offset, bytes, reason, records, lowest, highest, keyCount, List.copyOf(keys));
    }
  }
}

package dev.kvstore.engine;

import dev.kvstore.engine.Workers.Worker;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentSealer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Gives sealed segments the hint file that they lack, once the store is open: an open has no need of
/// hints that are not there, only the next one has, and compaction.
///
/// - Threads: on `store-compact`, so that no segment goes away meanwhile; each is ordered when the one
///   before is done, so that compaction does not wait for all of them.
/// - Failure: a segment stays without; the next open reads it.
final class LateHints {
  private final SegmentSealer sealer;
  private final SegmentTable segments;
  private final Set<Segment> waiting = ConcurrentHashMap.newKeySet();
  private volatile boolean ended;

  LateHints(SegmentSealer sealer, SegmentTable segments) {
    this.sealer = sealer;
    this.segments = segments;
  }

  /// Has the hint files written soon.
  void order(List<Segment> without, Workers workers) {
    waiting.addAll(without);
    orderNext(without, 0, workers);
  }

  private void orderNext(List<Segment> without, int number, Workers workers) {
    if (number == without.size()) {
      return;
    }
    boolean coming = false;
    try {
      coming =
          workers.run(
              Worker.COMPACT,
              () -> {
                write(without.get(number));
                orderNext(without, number + 1, workers);
              });
    } catch (OutOfMemoryError noThread) {
      // As if they had failed.
    } finally {
      if (!coming) {
        without.subList(number, without.size()).forEach(waiting::remove);
      }
    }
  }

  @SuppressWarnings("ReferenceEquality") // the very segment, not another at its addresses
  private void write(Segment segment) {
    try {
      SealedSegment sealed = segment.sealed();
      if (!ended && sealed != null && segments.at(segment.baseAddress()) == segment) {
        sealer.writeHint(segment, sealed);
      }
    } catch (RuntimeException | InternalError | OutOfMemoryError e) {
      System.getLogger(LateHints.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "no hint file for {0}, the next open will read all of it: {1}",
              segment.name(),
              e.toString());
    } finally {
      waiting.remove(segment);
    }
  }

  /// Whether the hint file of a segment is still to be written, or half written.
  boolean isWaiting(Segment segment) {
    return waiting.contains(segment);
  }

  /// Leaves out those that have not been begun.
  void end() {
    ended = true;
  }
}

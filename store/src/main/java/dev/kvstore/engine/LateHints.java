package dev.kvstore.engine;

import dev.kvstore.StoreException;
import dev.kvstore.engine.Workers.Worker;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentSealer;
import java.util.List;

/// Gives sealed segments the hint file that they lack, once the store is open: an open has no need of
/// hints that are not there, only the next one has, and compaction.
///
/// - Threads: on `store-compact`, segment by segment, so that no segment goes away meanwhile and a
///   compaction that is asked for waits for them, since it wants them too.
/// - Failure: a segment stays without; the next open reads it.
final class LateHints {
  private final SegmentSealer sealer;
  private final SegmentTable segments;
  private volatile boolean ended;

  LateHints(SegmentSealer sealer, SegmentTable segments) {
    this.sealer = sealer;
    this.segments = segments;
  }

  /// Has the hint files written soon.
  void order(List<Segment> without, Workers workers) {
    for (Segment segment : without) {
      workers.run(Worker.COMPACT, () -> write(segment));
    }
  }

  @SuppressWarnings("ReferenceEquality") // the very segment, not another at its addresses
  private void write(Segment segment) {
    SealedSegment sealed = segment.sealed();
    if (ended || sealed == null || segments.at(segment.baseAddress()) != segment) {
      return;
    }
    try {
      sealer.writeHint(segment, sealed);
    } catch (StoreException | InternalError e) {
      System.getLogger(LateHints.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "no hint file for {0}, the next open will read all of it: {1}",
              segment.name(),
              e.getMessage());
    }
  }

  /// Leaves out those that have not been begun.
  void end() {
    ended = true;
  }
}

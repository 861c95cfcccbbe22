package dev.kvstore.engine;

import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SmallSegments;
import java.util.concurrent.atomic.AtomicLong;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/// The element of the table is published by the release of an address that leads to it: who got the address
/// finds the segment, and where it begins.
@JCStressTest
@Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "no address yet")
@Outcome(id = "1, 24", expect = Expect.ACCEPTABLE, desc = "the segment and its place")
@Outcome(expect = Expect.FORBIDDEN, desc = "an address without its segment, or without its place")
@State
public class SegmentOfAddressStress {
  private final SegmentTable table = new SegmentTable();
  private final Segment segment = SmallSegments.of(2);

  /// What the index does for an address, see RecordBeforeInsertStress.
  private final AtomicLong entry = new AtomicLong();

  public SegmentOfAddressStress() {
    table.add(SmallSegments.of(1), 1 << 20);
  }

  @Actor
  public void writer() {
    table.add(segment, 1 << 20);
    entry.setRelease(segment.addressOf(24));
  }

  @Actor
  public void reader(II_Result seen) {
    long address = entry.getAcquire();
    if (address != 0) {
      Segment found = table.at(address);
      seen.r1 = found == segment ? 1 : 2;
      seen.r2 = found == null ? -1 : (int) found.offsetOf(address);
    }
  }
}

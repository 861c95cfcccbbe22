package dev.kvstore.segment;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/// Release in [Segment#publishEnd] pairs with acquire in [Segment#end]: who sees the end sees the bytes
/// below it.
@JCStressTest
@Outcome(id = "64, 0", expect = Expect.ACCEPTABLE, desc = "before")
@Outcome(id = "64, 1", expect = Expect.ACCEPTABLE, desc = "written, not published")
@Outcome(id = "96, 1", expect = Expect.ACCEPTABLE, desc = "published")
@Outcome(id = "96, 0", expect = Expect.FORBIDDEN, desc = "an end without the bytes below it")
@State
public class PublishedEndStress {
  private final Segment segment = SmallSegments.of(1);
  private int bytes;

  @Actor
  public void writer() {
    bytes = 1;
    segment.publishEnd(96);
  }

  @Actor
  public void reader(II_Result seen) {
    seen.r1 = (int) segment.end();
    seen.r2 = bytes;
  }
}

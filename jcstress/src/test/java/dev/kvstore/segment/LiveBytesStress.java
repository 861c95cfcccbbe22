package dev.kvstore.segment;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/// What was appended live, opaque on both sides: who reads it twice does not see it go back.
@JCStressTest
@Outcome(
    id = {"0, 0", "0, 8", "0, 16", "8, 8", "8, 16", "16, 16"},
    expect = Expect.ACCEPTABLE)
@Outcome(expect = Expect.FORBIDDEN, desc = "the count went back")
@State
public class LiveBytesStress {
  private final Segment segment = SmallSegments.of(1);

  @Actor
  public void writer() {
    segment.addAppendedLiveBytes(8);
    segment.addAppendedLiveBytes(8);
  }

  @Actor
  public void reader(II_Result seen) {
    seen.r1 = (int) segment.liveBytes();
    seen.r2 = (int) segment.liveBytes();
  }
}

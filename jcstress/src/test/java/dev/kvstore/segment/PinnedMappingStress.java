package dev.kvstore.segment;

import java.lang.foreign.ValueLayout;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Pins and the retirement of a mapping, in one word: memory that is pinned stays, and goes with the last
/// pin, once.
@JCStressTest
@Outcome(
    id = "1, 1, 0",
    expect = Expect.ACCEPTABLE,
    desc = "pinned and read, or too late; unmapped in the end")
@Outcome(id = "0, 1, 0", expect = Expect.ACCEPTABLE, desc = "too late; unmapped in the end")
@Outcome(expect = Expect.FORBIDDEN, desc = "read after it was unmapped, or never unmapped")
@State
public class PinnedMappingStress {
  private final Mapping mapping = SmallSegments.mapping();

  @Actor
  public void reader(III_Result seen) {
    if (mapping.pin()) {
      try {
        seen.r1 = mapping.memory().get(ValueLayout.JAVA_LONG, 0) == 0 ? 1 : 2;
      } catch (IllegalStateException unmapped) {
        seen.r1 = 3;
      }
      mapping.unpin();
    }
  }

  @Actor
  public void retirer(III_Result seen) {
    mapping.retire();
    mapping.retire();
    seen.r2 = 1;
  }

  @Arbiter
  public void afterwards(III_Result seen) {
    seen.r3 = mapping.memory().scope().isAlive() ? 1 : 0;
  }
}

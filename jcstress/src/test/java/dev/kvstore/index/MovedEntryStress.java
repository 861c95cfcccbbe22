package dev.kvstore.index;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/// The version of a shard: a reader who misses an entry that a removal moves sees that something changed, and
/// looks again. Here it moves within its bucket.
@JCStressTest
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "found all the time")
@Outcome(expect = Expect.FORBIDDEN, desc = "a miss was believed")
@State
public class MovedEntryStress {
  private static final long STANDING = 77;

  private final Shard shard = SmallTables.onHeap();

  public MovedEntryStress() {
    shard.insert(SmallTables.word(1));
    shard.insert(SmallTables.word(STANDING));
  }

  @Actor
  public void writer() {
    shard.remove(SmallTables.word(1));
  }

  @Actor
  public void reader(II_Result seen) {
    long address = shard.find(SmallTables.WINDOW, found -> found == STANDING);
    seen.r1 = address == STANDING ? 1 : 0;
  }

  @Arbiter
  public void afterwards(II_Result seen) {
    seen.r2 = shard.contains(SmallTables.word(STANDING)) ? 1 : 0;
    // The memory is left to the collector.
  }
}

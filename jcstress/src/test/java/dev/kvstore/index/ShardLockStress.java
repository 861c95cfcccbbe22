package dev.kvstore.index;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// The lock of a shard: acquire when it is taken pairs with release when it is given back, so that the next
/// holder goes on from the words and the count of the one before.
@JCStressTest
@Outcome(id = "1, 1, 2", expect = Expect.ACCEPTABLE, desc = "both are there and counted")
@Outcome(expect = Expect.FORBIDDEN, desc = "one was overwritten or not counted")
@State
public class ShardLockStress {
  private final Shard shard = SmallTables.onHeap();

  @Actor
  public void one() {
    shard.insert(SmallTables.word(1));
  }

  @Actor
  public void another() {
    shard.insert(SmallTables.word(2));
  }

  @Arbiter
  public void afterwards(III_Result seen) {
    seen.r1 = shard.contains(SmallTables.word(1)) ? 1 : 0;
    seen.r2 = shard.contains(SmallTables.word(2)) ? 1 : 0;
    seen.r3 = shard.size();
  }
}

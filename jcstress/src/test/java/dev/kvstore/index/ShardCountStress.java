package dev.kvstore.index;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/// The count of a shard, opaque on both sides: who reads it twice does not see it go back.
@JCStressTest
@Outcome(
    id = {"0, 0", "0, 1", "0, 2", "1, 1", "1, 2", "2, 2"},
    expect = Expect.ACCEPTABLE)
@Outcome(expect = Expect.FORBIDDEN, desc = "the count went back")
@State
public class ShardCountStress {
  private final Shard shard = SmallTables.onHeap();

  @Actor
  public void writer() {
    shard.insert(SmallTables.word(1));
    shard.insert(SmallTables.word(2));
  }

  @Actor
  public void reader(II_Result seen) {
    seen.r1 = shard.size();
    seen.r2 = shard.size();
  }
}

package dev.kvstore.index;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/// The table of a shard is published with release and read with acquire: a reader sees all that was copied
/// into it, and one that is late sees that it was replaced.
@JCStressTest
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "found all the time")
@Outcome(expect = Expect.FORBIDDEN, desc = "a miss was believed")
@State
public class ReplacedTableStress {
  private static final long STANDING = 77;

  private final Shard shard = SmallTables.onSlab(1);

  public ReplacedTableStress() {
    shard.insert(SmallTables.word(STANDING));
  }

  @Actor
  public void writer() {
    shard.reserve(500);
  }

  @Actor
  public void reader(II_Result seen) {
    long address = shard.find(SmallTables.WINDOW, found -> found == STANDING);
    seen.r1 = address == STANDING ? 1 : 0;
  }

  @Arbiter
  public void afterwards(II_Result seen) {
    seen.r2 = shard.contains(SmallTables.word(STANDING)) ? 1 : 0;
    SmallTables.giveBack(shard, STANDING);
  }
}

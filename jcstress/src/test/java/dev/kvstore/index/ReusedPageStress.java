package dev.kvstore.index;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/// The fence in [PageSlab]: a reader who still probes a table that was given up, and meets there what another
/// shard has written since, sees that its own was replaced.
@JCStressTest
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "found all the time")
@Outcome(expect = Expect.FORBIDDEN, desc = "a miss was believed")
@State
public class ReusedPageStress {
  private static final long STANDING = 77;

  private final Shard shard = SmallTables.onSlab(1);
  private final Shard other = SmallTables.onSlab(2);

  public ReusedPageStress() {
    shard.insert(SmallTables.word(STANDING));
  }

  @Actor
  public void writer() {
    shard.reserve(500);
    other.insert(SmallTables.word(5)); // takes the lowest free page
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
    SmallTables.giveBack(other, 5);
  }
}

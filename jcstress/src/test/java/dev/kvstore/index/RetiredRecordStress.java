package dev.kvstore.index;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/// An entry is redirected and then its old record goes, as after a compaction: a reader who got the old
/// address, and finds the record gone, does not take the key for absent.
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "found, by the old address")
@Outcome(id = "2", expect = Expect.ACCEPTABLE, desc = "found, by the new address")
@Outcome(expect = Expect.FORBIDDEN, desc = "a miss was believed")
@State
public class RetiredRecordStress {
  private final Shard shard = SmallTables.onHeap();
  private volatile boolean gone;

  public RetiredRecordStress() {
    shard.insert(SmallTables.word(1));
  }

  @Actor
  public void compaction() {
    shard.replace(SmallTables.word(1), SmallTables.word(2));
    gone = true;
  }

  @Actor
  public void reader(I_Result seen) {
    seen.r1 = (int) shard.find(SmallTables.WINDOW, address -> address == 2 || !gone);
  }
}

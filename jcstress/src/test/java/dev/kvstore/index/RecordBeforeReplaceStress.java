package dev.kvstore.index;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/// The same edge of [Table#put], by which an entry is redirected.
@JCStressTest
@Outcome(id = "0, -1", expect = Expect.ACCEPTABLE, desc = "not there yet")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "there, and its record with it")
@Outcome(id = "1, 0", expect = Expect.FORBIDDEN, desc = "the address without the record")
@State
public class RecordBeforeReplaceStress {
  private static final long ADDRESS = 77;

  private final Shard shard = SmallTables.onHeap();
  private int record;

  public RecordBeforeReplaceStress() {
    shard.insert(SmallTables.word(5));
  }

  @Actor
  public void writer() {
    record = 1;
    shard.replace(SmallTables.word(5), SmallTables.word(ADDRESS));
  }

  @Actor
  public void reader(II_Result seen) {
    long address = shard.find(SmallTables.WINDOW, found -> found == ADDRESS);
    seen.r1 = address == ADDRESS ? 1 : 0;
    seen.r2 = address == ADDRESS ? record : -1;
  }
}

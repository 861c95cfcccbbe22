package dev.kvstore.index;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/// The same edge of a redirection of many.
@JCStressTest
@Outcome(id = "0, -1", expect = Expect.ACCEPTABLE, desc = "not there yet")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "there, and its record with it")
@Outcome(id = "1, 0", expect = Expect.FORBIDDEN, desc = "the address without the record")
@State
public class RecordBeforeReplaceAllStress {
  private static final long ADDRESS = 77;

  private final Shard shard = SmallTables.onHeap();
  private int record;

  public RecordBeforeReplaceAllStress() {
    shard.insert(SmallTables.word(5));
  }

  @Actor
  public void writer() {
    record = 1;
    long[] hashes = {SmallTables.WINDOW << 30};
    shard.replaceAll(hashes, new long[] {5}, new long[] {ADDRESS}, 0, 1, new boolean[1]);
  }

  @Actor
  public void reader(II_Result seen) {
    long address = shard.find(SmallTables.WINDOW, found -> found == ADDRESS);
    seen.r1 = address == ADDRESS ? 1 : 0;
    seen.r2 = address == ADDRESS ? record : -1;
  }
}

package dev.kvstore.engine;

import dev.kvstore.StoreClosedException;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/// `ended` is written before the stack is taken, and read behind a push: whoever waits while the store is
/// closed is released by one of both. One who is forgotten never ends, which jcstress tells.
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "durable")
@Outcome(id = "2", expect = Expect.ACCEPTABLE, desc = "told that the store was closed")
@Outcome(expect = Expect.FORBIDDEN, desc = "released without a word")
@State
public class CommitEndStress {
  private final CountingLog log = new CountingLog();
  private final GroupCommit commit = new GroupCommit(log, Workers.inline(), 0);

  @Actor
  public void writer(I_Result seen) {
    long sequence = log.append();
    try {
      commit.await(sequence);
      seen.r1 = log.covers(sequence) ? 1 : 0;
    } catch (StoreClosedException told) {
      seen.r1 = 2;
    }
  }

  @Actor
  public void closer() {
    commit.end();
  }
}

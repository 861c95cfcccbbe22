package dev.kvstore.engine;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// The stack of those who wait for a force, and the word that says a round is coming: each is released, by
/// a force that covers him. One who is forgotten never ends, which jcstress tells.
@JCStressTest
@Outcome(id = "1, 1, 1", expect = Expect.ACCEPTABLE, desc = "both released, both forced")
@Outcome(expect = Expect.FORBIDDEN, desc = "released without a force")
@State
public class CommitStackStress {
  private final CountingLog log = new CountingLog();
  private final GroupCommit commit = new GroupCommit(log, Workers.inline(), 0);

  @Actor
  public void one(III_Result seen) {
    long sequence = log.append();
    commit.await(sequence);
    seen.r1 = log.covers(sequence) ? 1 : 0;
  }

  @Actor
  public void another(III_Result seen) {
    long sequence = log.append();
    commit.await(sequence);
    seen.r2 = log.covers(sequence) ? 1 : 0;
  }

  @Arbiter
  public void afterwards(III_Result seen) {
    seen.r3 = commit.durableSequence() == 2 && log.covers(2) ? 1 : 0;
  }
}

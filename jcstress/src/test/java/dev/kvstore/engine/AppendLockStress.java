package dev.kvstore.engine;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/// The append lock, which is tried before it is waited for: what one holder leaves the next one sees.
@JCStressTest
@Outcome(id = "2", expect = Expect.ACCEPTABLE, desc = "one after the other")
@Outcome(expect = Expect.FORBIDDEN, desc = "both at once")
@State
public class AppendLockStress {
  private final AppendLock lock = new AppendLock();
  private int count;

  @Actor
  public void one() {
    add();
  }

  @Actor
  public void another() {
    add();
  }

  private void add() {
    lock.lock();
    try {
      count++;
    } finally {
      lock.unlock();
    }
  }

  @Arbiter
  public void afterwards(I_Result seen) {
    seen.r1 = count;
  }
}

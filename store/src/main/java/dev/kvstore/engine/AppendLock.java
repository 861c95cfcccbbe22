package dev.kvstore.engine;

import java.util.concurrent.locks.ReentrantLock;

/// A lock that is held for a few hundred nanoseconds: whoever meets it taken looks again for a
/// microsecond or two before parking, which costs ten times as much.
final class AppendLock extends ReentrantLock {
  private static final long serialVersionUID = 1L;
  private static final int LOOKS = 100;

  @Override
  public void lock() {
    for (int look = 0; look < LOOKS; look++) {
      if (!isLocked() && tryLock()) {
        return;
      }
      Thread.onSpinWait();
    }
    super.lock();
  }
}

package dev.kvstore.engine;

import java.util.concurrent.atomic.AtomicLong;

/// A log that only counts: its force covers what was appended when it began.
final class CountingLog implements GroupCommit.Forceable {
  private final AtomicLong appended = new AtomicLong();
  private final AtomicLong forced = new AtomicLong();

  long append() {
    return appended.incrementAndGet();
  }

  boolean covers(long sequence) {
    return forced.get() >= sequence;
  }

  @Override
  public long lastSequence() {
    return appended.get();
  }

  @Override
  public void force() {
    forced.set(appended.get());
  }

  @Override
  public void forced() {}
}

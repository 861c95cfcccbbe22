package dev.kvstore.engine;

import dev.kvstore.Durability;
import dev.kvstore.lincheck.Effort;
import java.util.concurrent.atomic.AtomicLong;
import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Group commit over a log that only counts: nobody is released before a force that began behind his
/// append, nobody is forgotten, what is told to be durable never goes back.
public class GroupCommitLinearizabilityTest {
  /// A log whose force covers what was appended when it began.
  private static final class CountingLog implements GroupCommit.Forceable {
    private final AtomicLong appended = new AtomicLong();
    private final AtomicLong forced = new AtomicLong();

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

  private final CountingLog log = new CountingLog();
  private final GroupCommit commit = new GroupCommit(log, Workers.inline(), 0);

  /// Appends and waits; whether a force covers it then.
  @Operation
  public boolean write() {
    long sequence = log.appended.incrementAndGet();
    commit.await(sequence);
    return log.forced.get() >= sequence && commit.durableSequence() >= sequence;
  }

  /// Appends, and looks at a future that was to complete when a force covers it.
  @Operation
  public boolean writeLater() {
    long sequence = log.appended.incrementAndGet();
    var durable = commit.whenDurable(sequence, Durability.ALWAYS);
    return !durable.isDone() || log.forced.get() >= sequence;
  }

  @Operation
  public boolean neverGoesBack() {
    long before = commit.durableSequence();
    return log.forced.get() >= before && commit.durableSequence() >= before;
  }

  /// Whoever asks gets yes.
  public static class Specification {
    public boolean write() {
      return true;
    }

    public boolean writeLater() {
      return true;
    }

    public boolean neverGoesBack() {
      return true;
    }
  }

  @Test
  void everySchedule() {
    check(new Effort(3, 100));
  }

  @Test
  @Tag("torture")
  void everyScheduleForLong() {
    check(new Effort(40, 5000).times(Effort.minutes() / 4));
  }

  private static void check(Effort effort) {
    effort
        .modelChecking()
        .threads(3)
        .actorsPerThread(2)
        .sequentialSpecification(Specification.class)
        .check(GroupCommitLinearizabilityTest.class);
  }
}

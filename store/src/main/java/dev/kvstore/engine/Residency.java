package dev.kvstore.engine;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;

/// Reads pages of the log that are not in memory without reading their surroundings too.
///
/// A first touch of a mapped page makes Linux read as much around it as the disk's read-ahead says, 128 KiB
/// or, on some machines, 8 MiB: right for a scan, ruinous for records at random in a store larger than
/// memory. `MemorySegment.load` (`madvise`, which says what is wanted) reads just the pages of a range. But
/// a system call for each lookup is too much where everything is in memory. So a lookup asks only now and
/// then whether its page is there (`mincore`), until one is not; from then on each one asks, until
/// thousands in a row have found theirs.
///
/// Threads: what the store knows is shared by all, and may be a moment old; a [Probe] is for one at a time.
public final class Residency {
  /// A question costs 1.7 µs, four times a lookup.
  private static final int LOOKUPS_PER_QUESTION = 256;

  private static final int FOUND_IN_A_ROW = 4096;

  private final Predicate<MemorySegment> inMemory;
  private volatile boolean cold;

  /// What the system says.
  public Residency() {
    this(MemorySegment::isLoaded);
  }

  /// What somebody else says.
  public Residency(Predicate<MemorySegment> inMemory) {
    this.inMemory = inMemory;
  }

  /// Whether pages of the log have lately been missing.
  boolean isCold() {
    return cold;
  }

  Probe probe() {
    return new Probe();
  }

  /// What one thread asks with.
  final class Probe {
    // Spread, so that threads that look up a few keys each ask now and then too.
    private int untilQuestion = ThreadLocalRandom.current().nextInt(LOOKUPS_PER_QUESTION);
    private int foundInARow;

    /// Is told before a range that lies in one record is read; returns when it can be read at the speed of
    /// memory, or when nobody asked.
    void beforeRead(MemorySegment log, long from, long to) {
      if (!isThere(log, from, to)) {
        log.asSlice(from, to - from).load();
      }
    }

    /// Whether a range that lies in one record is in memory, or nobody asked.
    boolean isThere(MemorySegment log, long from, long to) {
      return (!cold && --untilQuestion >= 0) || ask(log.asSlice(from, to - from));
    }

    private boolean ask(MemorySegment range) {
      untilQuestion = LOOKUPS_PER_QUESTION;
      boolean there = inMemory.test(range);
      if (!there) {
        cold = true;
        foundInARow = 0;
      } else if (cold && ++foundInARow >= FOUND_IN_A_ROW) {
        cold = false;
        foundInARow = 0;
      }
      return there;
    }
  }
}

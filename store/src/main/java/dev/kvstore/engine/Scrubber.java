package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.ScrubPolicy;
import dev.kvstore.Stats;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.engine.Workers.Worker;
import dev.kvstore.io.Directory;
import dev.kvstore.io.UncachedReader;
import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentBytes;
import dev.kvstore.segment.SegmentCheck;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.StoreId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Reads the store over and over, slowly, to find damage before somebody needs what is damaged; see
/// [ScrubPolicy]. Changes nothing, takes no lock of the store, and touches no mapping: it reads the files
/// beside everybody else.
///
/// - Threads: all of it on `store-scrub`; statistics may be asked for by any. With inline workers it does
///   not run.
/// - Order: a pass begins at a segment by chance, so that those of a store that is never open for a whole
///   pass get their turn too.
/// - Rate: each read is paid for with a rest of the time that it may take at the rate allowed.
/// - Failure: what cannot be read is told like damage. Of a segment that compaction removed meanwhile
///   nothing is told.
final class Scrubber {
  /// Thrown where the store is being closed, or the segment that is being read is gone.
  private static final class Over extends RuntimeException {
    private static final long serialVersionUID = 1;

    Over() {
      super(null, null, false, false);
    }
  }

  private final Directory directory;
  private final SegmentTable segments;
  private final StoreId store;
  private final SegmentCheck check;
  private final LateHints hints;
  private final ScrubPolicy.AtMost policy;

  // Guarded by this.
  private boolean ended;
  private long paidUntilNanos;

  // Written by the one thread that scrubs.
  private volatile boolean running;
  private final AtomicLong passes = new AtomicLong();
  private volatile long passBytes;
  private volatile long passBytesTotal;
  private final AtomicLong bytesRead = new AtomicLong();
  private final AtomicLong damages = new AtomicLong();
  private volatile @Nullable Damage lastDamage;

  Scrubber(
      Directory directory,
      SegmentTable segments,
      StoreId store,
      KeyHasher hasher,
      LateHints hints,
      ScrubPolicy.AtMost policy) {
    this.directory = directory;
    this.segments = segments;
    this.store = store;
    this.check = new SegmentCheck(store, hasher);
    this.hints = hints;
    this.policy = policy;
  }

  /// Begins the first pass.
  void start(Workers workers) {
    if (workers.isInline()) {
      return;
    }
    try {
      workers.run(Worker.SCRUB, this::scrub);
    } catch (OutOfMemoryError noThread) {
      logger().log(System.Logger.Level.WARNING, "no scrubbing: {0}", noThread.getMessage());
    }
  }

  /// Stops at once, but for a read that is under way.
  synchronized void end() {
    ended = true;
    notifyAll();
  }

  Stats.Scrub stats() {
    return new Stats.Scrub(
        running,
        passes.get(),
        passBytes,
        passBytesTotal,
        bytesRead.get(),
        damages.get(),
        Optional.ofNullable(lastDamage));
  }

  // ---- One pass after the other

  private void scrub() {
    running = true;
    try {
      while (!isEnded()) {
        long begin = System.nanoTime();
        pass();
        if (isEnded()) {
          return;
        }
        passes.incrementAndGet();
        restUntil(begin + policy.interval().toNanos());
      }
    } catch (RuntimeException | Error e) {
      logger().log(System.Logger.Level.ERROR, "scrubbing has stopped", e);
    } finally {
      running = false;
    }
  }

  private void pass() {
    List<Segment> turn = new ArrayList<>();
    long total = 0;
    for (Segment segment : segments.all()) {
      SealedSegment sealed = segment.sealed();
      if (sealed != null) {
        turn.add(segment);
        total += sealed.bytes() + HintFile.bytesOf(sealed);
      }
    }
    if (!turn.isEmpty()) {
      Collections.rotate(turn, ThreadLocalRandom.current().nextInt(turn.size()));
    }
    passBytes = 0;
    passBytesTotal = total;
    checkManifest();
    Set<String> names = names();
    for (Segment segment : turn) {
      SealedSegment sealed = segment.sealed();
      if (isEnded() || sealed == null) {
        return;
      }
      try {
        checkSegment(segment, sealed);
        if (names.contains(SegmentFormat.hintName(segment.id())) && !hints.isWaiting(segment)) {
          checkHint(segment, sealed);
        }
      } catch (Over e) {
        // With this segment.
      }
    }
  }

  private Set<String> names() {
    try {
      return new HashSet<>(directory.list());
    } catch (StoreIoException e) {
      logger().log(System.Logger.Level.WARNING, "scrub: {0}", e.getMessage());
      return Set.of();
    }
  }

  private void checkManifest() {
    try {
      Manifest.read(directory);
    } catch (StoreCorruptionException e) {
      found(damage(e));
    } catch (StoreVersionException | StoreIoException e) {
      found(unreadable(Manifest.NAME, e));
    }
  }

  private void checkSegment(Segment segment, SealedSegment sealed) {
    try (UncachedReader file = directory.openUncached(segment.name())) {
      check.check(segment, sealed, slowly(file, segment), file.size(), this::found);
    } catch (StoreIoException e) {
      if (isThere(segment)) {
        found(unreadable(segment.name(), e));
      }
    }
  }

  private void checkHint(Segment segment, SealedSegment sealed) {
    String name = SegmentFormat.hintName(segment.id());
    try (UncachedReader file = directory.openUncached(name)) {
      HintFile.check(slowly(file, segment), file.size(), store, sealed);
    } catch (StoreCorruptionException e) {
      if (isThere(segment)) {
        found(damage(e));
      }
    } catch (StoreVersionException | StoreIoException e) {
      if (isThere(segment)) {
        found(unreadable(name, e));
      }
    }
  }

  @SuppressWarnings("ReferenceEquality") // the very segment, not another at its addresses
  private boolean isThere(Segment segment) {
    return segments.at(segment.baseAddress()) == segment;
  }

  // ---- What is found

  private static Damage damage(StoreCorruptionException e) {
    return new Damage(e.file(), e.offset(), 0, e.problem(), List.of());
  }

  private static Damage unreadable(String file, RuntimeException e) {
    return new Damage(file, 0, 0, String.valueOf(e.getMessage()), List.of());
  }

  private static System.Logger logger() {
    return System.getLogger(Scrubber.class.getName());
  }

  private void found(Damage damage) {
    damages.incrementAndGet();
    lastDamage = damage;
    logger()
        .log(
            System.Logger.Level.WARNING,
            "scrub: damage in {0} @ {1}, {2} bytes: {3}",
            damage.file(),
            Long.toString(damage.offset()),
            Long.toString(damage.bytes()),
            damage.problem());
  }

  // ---- How fast

  /// What a file holds, with a rest after each read.
  private SegmentBytes slowly(UncachedReader file, Segment segment) {
    return new SegmentBytes() {
      @Override
      public void read(long offset, byte[] target, int from, int length) {
        if (isEnded() || !isThere(segment)) {
          throw new Over();
        }
        file.read(offset, target, from, length);
        bytesRead.addAndGet(length);
        passBytes = Math.min(passBytes + length, passBytesTotal); // some are read twice
        restFor(length);
      }

      @Override
      public void close() {}
    };
  }

  private void restFor(long bytes) {
    long now = System.nanoTime();
    long until;
    synchronized (this) {
      // No credit for time in which nothing was read.
      long begin = paidUntilNanos - now > 0 ? paidUntilNanos : now;
      paidUntilNanos = begin + (long) (bytes * 1e9 / policy.bytesPerSecond());
      until = paidUntilNanos;
    }
    restUntil(until);
    if (isEnded()) {
      throw new Over();
    }
  }

  private synchronized boolean isEnded() {
    return ended;
  }

  private synchronized void restUntil(long nanoTime) {
    while (!ended) {
      long left = nanoTime - System.nanoTime();
      if (left <= 0) {
        return;
      }
      try {
        TimeUnit.NANOSECONDS.timedWait(this, left);
      } catch (InterruptedException e) {
        ended = true; // nobody does that; if somebody does, it is meant so
      }
    }
  }
}

package dev.kvstore.engine;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.CompactionReport;
import dev.kvstore.Options;
import dev.kvstore.StoreClosedException;
import dev.kvstore.StoreCompactionException;
import dev.kvstore.StoreException;
import dev.kvstore.StoreIoException;
import dev.kvstore.engine.Workers.Worker;
import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/// Gives the space of replaced and deleted records back: decides when, and which segments; the copying
/// of one set of segments is a [CompactionRun].
///
/// - Victims are chosen by bytes freed for each byte copied (the cost-benefit idea of Rosenblum and
///   Ousterhout, "The Design and Implementation of a Log-Structured File System", SOSP 1991, without
///   its age term).
/// - Threads: all of it on `store-compact`; writers and readers go on meanwhile.
/// - Failure: a run that fails changes nothing. A full disk is tried again when there is more garbage;
///   a damaged segment is left alone.
final class Compaction {
  private static final long LOOK_BYTES_LEAST = 64L << 10;
  private static final int VICTIMS_MAX = 32;
  private static final int SMALL_SEGMENTS_MAX = 8;
  private static final int PASSES_MAX = 3;

  private final Log log;
  private final HashIndex index;
  private final SegmentTable segments;
  private final GroupCommit commit;
  private final Options options;
  private final Workers workers;

  /// Read-held while an iteration reads keys by address; write-held, for an instant, between the last
  /// redirected entry and the unmapping of victims.
  private final ReentrantReadWriteLock walks = new ReentrantReadWriteLock();

  private final AtomicBoolean lookComing = new AtomicBoolean();
  private final Set<Long> damaged = ConcurrentHashMap.newKeySet();
  private final AtomicLong runs = new AtomicLong();
  private final AtomicLong bytesWritten = new AtomicLong();

  private volatile long nextLookAt;
  private volatile boolean ending;
  private volatile String state =
      "nothing to do: no garbage has been made since the store was opened";

  // Guarded by this.
  private @Nullable DemandedCompaction demanded;

  private volatile boolean demandWaits;

  Compaction(
      Log log,
      HashIndex index,
      SegmentTable segments,
      GroupCommit commit,
      Options options,
      Workers workers) {
    this.log = log;
    this.index = index;
    this.segments = segments;
    this.commit = commit;
    this.options = options;
    this.workers = workers;
  }

  ReentrantReadWriteLock.ReadLock walkLock() {
    return walks.readLock();
  }

  // ---- By itself

  /// Is told after each write how much garbage writes have made. Must be quick.
  void garbageGrew(long bytesSinceOpen) {
    if (bytesSinceOpen >= nextLookAt) {
      nextLookAt = bytesSinceOpen + lookEvery();
      look();
    }
  }

  /// Looks soon whether there is something to do.
  void look() {
    if (options.compaction() instanceof CompactionPolicy.Manual || log.isReadOnly() || ending) {
      return;
    }
    if (lookComing.compareAndSet(false, true)) {
      workers.run(Worker.COMPACT, this::compactWhatIsDue);
    }
  }

  private long lookEvery() {
    long enough =
        switch (options.compaction()) {
          case CompactionPolicy.Automatic(double ratio, long bytes) -> bytes;
          case CompactionPolicy.Threshold(long bytes) -> bytes;
          case CompactionPolicy.Manual manual -> Long.MAX_VALUE / 2;
        };
    return Math.max(Math.min(LOOK_BYTES_LEAST, options.segmentBytesMax()), enough / 8);
  }

  private void compactWhatIsDue() {
    lookComing.set(false);
    try {
      while (!ending && !demandWaits && commit.failure() == null) {
        String notDue = whyNotDue();
        if (notDue != null) {
          state = notDue;
          return;
        }
        List<Segment> victims = victims();
        if (victims.isEmpty()) {
          if (!rollActiveForItsGarbage()) {
            state = "waiting: the garbage is spread too thinly to be worth copying what lives";
            return;
          }
          continue;
        }
        long before = bytesOf(victims);
        long after = run(victims, new Pace(options.compactionBytesPerSecondMax())).bytesWritten();
        if (before - after < before / 16) {
          state = "waiting: what is left are deletions that still hide older records elsewhere";
          return;
        }
      }
    } catch (StoreIoException e) {
      state = "stopped: " + e.getMessage() + "; tried again when there is more garbage";
    } catch (StoreException e) {
      state = "stopped: " + e.getMessage();
    } catch (OutOfMemoryError e) {
      state = "stopped: " + e.getMessage() + "; nothing is lost, give the JVM more heap";
    } catch (Throwable e) {
      state = "stopped: " + e;
      commit.fail(e);
    }
  }

  /// Why the policy asks for nothing; null if it asks for something.
  private @Nullable String whyNotDue() {
    long garbage = 0;
    long total = 0;
    for (Segment segment : segments.all()) {
      garbage += segment.garbageBytes();
      total += segment.end();
    }
    return switch (options.compaction()) {
      case CompactionPolicy.Automatic(double ratio, long bytes) -> {
        if (garbage < bytes) {
          yield String.format(
              Locale.ROOT, "nothing to do: %d bytes of garbage, work starts at %d", garbage, bytes);
        }
        yield garbage < ratio * total
            ? String.format(
                Locale.ROOT,
                "nothing to do: %.1f %% of the log is garbage, work starts at %.1f %%",
                100.0 * garbage / total,
                100 * ratio)
            : null;
      }
      case CompactionPolicy.Threshold(long bytes) ->
          garbage < Math.max(1, bytes)
              ? String.format(
                  Locale.ROOT,
                  "nothing to do: %d bytes of garbage, work starts at %d",
                  garbage,
                  bytes)
              : null;
      case CompactionPolicy.Manual manual -> "only on demand, as the options say";
    };
  }

  /// The segments that free most for each byte copied, and fit one new segment together.
  private List<Segment> victims() {
    double ratioLeast =
        options.compaction() instanceof CompactionPolicy.Automatic(double ratio, long bytes)
            ? ratio / 2
            : 0.01;
    List<Segment> candidates = new ArrayList<>();
    for (Segment segment : compactable()) {
      if (freeable(segment) > ratioLeast * segment.end()) {
        candidates.add(segment);
      }
    }
    candidates.sort(
        Comparator.comparingDouble(
            segment -> -(double) freeable(segment) / (segment.end() - freeable(segment) + 1)));
    List<Segment> victims = new ArrayList<>();
    long copied = 0;
    for (Segment segment : candidates) {
      copied += segment.end() - freeable(segment);
      if (!victims.isEmpty()
          && (copied > options.segmentBytesMax() || victims.size() == VICTIMS_MAX)) {
        break;
      }
      victims.add(segment);
    }
    return victims;
  }

  /// Garbage that will go for sure. Tombstones may have to stay, unless nothing is older than they.
  private long freeable(Segment segment) {
    SealedSegment sealed = segment.sealed();
    if (sealed == null) {
      return 0;
    }
    for (Segment other : segments.all()) {
      SealedSegment otherSealed = other.sealed();
      if (other != segment
          && otherSealed != null
          && otherSealed.minSequence() < sealed.maxSequence()) {
        return segment.garbageBytes() - sealed.tombstoneBytes();
      }
    }
    return segment.garbageBytes();
  }

  private List<Segment> compactable() {
    return segments.all().stream()
        .filter(segment -> segment.sealed() != null && !damaged.contains(segment.id()))
        .toList();
  }

  private boolean rollActiveForItsGarbage() {
    Segment active = log.activeSegment();
    if (active == null || active.garbageBytes() < active.end() / 2 || !log.rollOnDemand()) {
      return false;
    }
    log.awaitSealed();
    return commit.failure() == null && active.sealed() != null;
  }

  // ---- On demand

  /// Starts to compact everything that holds garbage, or joins the one that does so.
  synchronized DemandedCompaction start() {
    if (demanded != null && !demanded.future().isDone()) {
      return demanded;
    }
    DemandedCompaction job = new DemandedCompaction();
    demanded = job;
    demandWaits = true;
    if (!workers.run(Worker.COMPACT, () -> runDemanded(job))) {
      job.fail(new StoreClosedException("the store is closed"));
    }
    return job;
  }

  private void runDemanded(DemandedCompaction job) {
    demandWaits = false;
    try {
      job.complete(compactEverything(job));
    } catch (StoreClosedException e) {
      job.fail(e);
    } catch (StoreException e) {
      job.fail(
          ending
              ? new StoreClosedException("the store was closed before the compaction ended")
              : new StoreCompactionException("compaction failed: " + e.getMessage(), e));
    } catch (OutOfMemoryError e) {
      job.fail(new StoreCompactionException("compaction failed: " + e.getMessage(), e));
    } catch (Throwable e) {
      commit.fail(e);
      job.fail(new StoreCompactionException("compaction failed: " + e, e));
    }
    look();
  }

  private CompactionReport compactEverything(DemandedCompaction job) {
    long start = System.nanoTime();
    long diskBefore = bytesOf(segments.all());
    log.rollOnDemand();
    log.awaitSealed();
    commit.throwIfFailed();
    List<CompactionReport> done = new ArrayList<>();
    StoreIoException noSpace = null;
    for (int pass = 0; pass < PASSES_MAX; pass++) {
      noSpace = null;
      List<List<Segment>> groups = groups(pass);
      job.addTotal(groups.stream().mapToLong(Compaction::bytesOf).sum());
      for (List<Segment> group : groups) {
        try {
          done.add(run(group, job));
        } catch (StoreIoException e) {
          if (!e.isNoSpace()) {
            throw e;
          }
          noSpace = e; // other groups may need less, and make room for this one in the next pass
        }
      }
    }
    if (noSpace != null && done.isEmpty()) {
      throw noSpace;
    }
    log.dropSpare();
    log.awaitSealed();
    log.keepReserve();
    if (!damaged.isEmpty()) {
      throw new StoreCompactionException(
          "segments " + damaged + " hold damage and were left as they are; verify the store");
    }
    return new CompactionReport(
        done.stream().mapToInt(CompactionReport::segmentsRemoved).sum(),
        done.stream().mapToInt(CompactionReport::segmentsWritten).sum(),
        done.stream().mapToLong(CompactionReport::bytesRead).sum(),
        done.stream().mapToLong(CompactionReport::bytesWritten).sum(),
        Math.max(0, diskBefore - bytesOf(segments.all())),
        Duration.ofNanos(System.nanoTime() - start));
  }

  /// What holds garbage. First what holds nothing else, which needs no new segment and so works on a full
  /// disk; then oldest first, so that what a tombstone hides is gone before the tombstone is looked at;
  /// in sets that fit one new segment each. Later passes are for what earlier ones could not free.
  private List<List<Segment>> groups(int pass) {
    List<Segment> all = compactable();
    long small = Math.max(1, options.segmentBytesMax() / 8);
    boolean merge = all.stream().filter(s -> s.end() < small).count() > SMALL_SEGMENTS_MAX;
    List<Segment> candidates = new ArrayList<>();
    for (Segment segment : all) {
      boolean hasGarbage =
          pass == 0 ? segment.garbageBytes() > 0 : segment.garbageBytes() > segment.end() / 16;
      if (hasGarbage || (pass == 0 && merge && segment.end() < small)) {
        candidates.add(segment);
      }
    }
    candidates.sort(Comparator.comparingLong(Compaction::oldestSequence));
    List<List<Segment>> groups = new ArrayList<>();
    for (Segment segment : List.copyOf(candidates)) {
      if (isAllGarbage(segment)) {
        groups.add(List.of(segment));
        candidates.remove(segment);
      }
    }
    long copied = Long.MAX_VALUE / 2;
    for (Segment segment : candidates) {
      long copies = segment.end() - segment.garbageBytes();
      if (copied + copies > options.segmentBytesMax() || groups.getLast().size() == VICTIMS_MAX) {
        groups.add(new ArrayList<>());
        copied = 0;
      }
      groups.getLast().add(segment);
      copied += copies;
    }
    return groups;
  }

  private static boolean isAllGarbage(Segment segment) {
    SealedSegment sealed = segment.sealed();
    return sealed != null && segment.liveBytes() == 0 && sealed.tombstoneBytes() == 0;
  }

  private static long oldestSequence(Segment segment) {
    SealedSegment sealed = segment.sealed();
    return sealed == null ? Long.MAX_VALUE : sealed.minSequence();
  }

  // ---- One set of segments

  private CompactionReport run(List<Segment> victims, CompactionRun.Pacer pacer) {
    Set<Long> ids = new HashSet<>();
    victims.forEach(victim -> ids.add(victim.id()));
    state = "compacting segments " + ids;
    CompactionRun run = new CompactionRun(log, index, segments, commit, walks, victims, pacer);
    try {
      CompactionReport report = run.run();
      runs.incrementAndGet();
      bytesWritten.addAndGet(report.bytesWritten());
      state = "done with segments " + ids;
      return report;
    } catch (CompactionRun.DamagedVictimException e) {
      damaged.add(e.segmentId());
      throw new StoreCompactionException(String.valueOf(e.getMessage()), e);
    }
  }

  private static long bytesOf(List<Segment> some) {
    return some.stream().mapToLong(Segment::end).sum();
  }

  /// Keeps background work to a rate, and ends it when the store is closed.
  private final class Pace implements CompactionRun.Pacer {
    private final long bytesPerSecond;
    private final long start = System.nanoTime();
    private long copied;

    Pace(long bytesPerSecond) {
      this.bytesPerSecond = bytesPerSecond;
    }

    @Override
    public void at(long bytesRead, long bytesCopied) {
      if (ending) {
        throw new StoreCompactionException("the store is being closed");
      }
      copied += bytesCopied;
      if (bytesPerSecond == Long.MAX_VALUE) {
        return;
      }
      long due = (long) (copied * 1e9 / bytesPerSecond);
      for (long early = due - (System.nanoTime() - start);
          early > 1_000_000 && !ending && !demandWaits;
          early = due - (System.nanoTime() - start)) {
        LockSupport.parkNanos(this, Math.min(early, 20_000_000)); // so that an end is seen soon
      }
    }

    @Override
    public void rest() {}
  }

  // ---- State

  String state() {
    return state;
  }

  long runs() {
    return runs.get();
  }

  long bytesWritten() {
    return bytesWritten.get();
  }

  /// The segment that would be compacted next.
  OptionalLong nextVictim() {
    return compactable().stream()
        .filter(segment -> freeable(segment) > 0)
        .max(Comparator.comparingDouble(segment -> (double) freeable(segment) / segment.end()))
        .map(segment -> OptionalLong.of(segment.id()))
        .orElse(OptionalLong.empty());
  }

  /// Stops what is under way at its next record. The worker is waited for by whoever ends it.
  void end() {
    ending = true;
    synchronized (this) {
      if (demanded != null) {
        demanded.cancel();
      }
    }
  }

  /// Tells those who wait for a job that will not run any more.
  synchronized void abandonJobs() {
    if (demanded != null) {
      demanded.fail(new StoreClosedException("the store was closed before the compaction ended"));
    }
  }
}

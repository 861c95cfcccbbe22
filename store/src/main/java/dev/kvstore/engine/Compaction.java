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
import dev.kvstore.segment.Segment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/// Gives the space of replaced and deleted records back: decides when, and how fast. Which segments is
/// for [CompactionChoice], the copying of one set of them for [CompactionRun].
///
/// - Threads: all of it on `store-compact`, but that writers look whether there is something to do and
///   how much pressure there must be; writers and readers go on meanwhile, and wait only as
///   [BackPressure] says.
/// - Failure: a run that fails changes nothing. A full disk is tried again when there is more garbage;
///   a damaged segment is left alone, and the others are compacted.
final class Compaction {
  private static final long LOOK_BYTES_LEAST = 64L << 10;
  private static final int PASSES_MAX = 3;

  /// What one run of background compaction copies, as a share of the log: enough of them that each
  /// frees much, and little enough that both copies fit the space for a while.
  private static final int RUNS_IN_LOG = 32;

  private static final long RUN_BYTES_LEAST = 1L << 20;

  private final Log log;
  private final HashIndex index;
  private final SegmentTable segments;
  private final GroupCommit commit;
  private final Settlement settlement;
  private final Options options;
  private final Workers workers;

  private final ReentrantReadWriteLock walks;

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

  private final AtomicInteger demandsWaiting = new AtomicInteger(); // not begun yet

  private final BackPressure pressure = new BackPressure();

  private final CompactionPace pace = new CompactionPace();
  private final FreeingRate freeing = new FreeingRate();
  private volatile double urgency = Double.NaN; // while there is background work

  /// @param walks read-held while somebody reads records by address; write-held, for an instant, between
  ///     the last redirected entry and the unmapping of victims
  Compaction(
      Log log,
      HashIndex index,
      SegmentTable segments,
      GroupCommit commit,
      Settlement settlement,
      ReentrantReadWriteLock walks,
      Options options,
      Workers workers) {
    this.log = log;
    this.index = index;
    this.segments = segments;
    this.commit = commit;
    this.settlement = settlement;
    this.walks = walks;
    this.options = options;
    this.workers = workers;
  }

  // ---- By itself

  /// Is told after each write how much garbage writes have made, by whoever wrote. Quick, unless there is
  /// back-pressure.
  void garbageGrew(long bytesSinceOpen) {
    if (bytesSinceOpen >= nextLookAt) {
      nextLookAt = bytesSinceOpen + lookEvery();
      look();
      updatePressure(garbage());
    }
    pressure.await(bytesSinceOpen);
  }

  /// Looks soon whether there is something to do.
  void look() {
    if (options.compaction() instanceof CompactionPolicy.Manual || log.isReadOnly() || ending) {
      return;
    }
    if (lookComing.compareAndSet(false, true)) {
      boolean coming = false;
      try {
        coming = workers.run(Worker.COMPACT, this::compactWhatIsDue);
      } catch (OutOfMemoryError noThread) {
        state = "stopped: " + noThread.getMessage() + "; tried again when there is more garbage";
      } finally {
        if (!coming) {
          lookComing.set(false);
        }
      }
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

  private Garbage garbage() {
    return Garbage.of(segments.all(), options.compaction());
  }

  /// By writers too, since compaction may be held up by what holds them up next.
  private void updatePressure(Garbage garbage) {
    if (options.compactionBytesPerSecondMax() == Long.MAX_VALUE) {
      pressure.update(garbage.length(), garbage.lengthAllowed(), freeing.bytesPerSecond());
    } // else the options ask for slow compaction, and not for slow writes
  }

  private void compactWhatIsDue() {
    lookComing.set(false);
    pressure.start();
    try {
      state = compactUntilDone();
    } catch (StoreIoException e) {
      state = "stopped: " + e.getMessage() + "; tried again when there is more garbage";
    } catch (StoreException e) {
      state = "stopped: " + e.getMessage();
    } catch (OutOfMemoryError e) {
      state = "stopped: " + e.getMessage() + "; nothing is lost, give the JVM more heap";
    } catch (Throwable e) {
      state = "stopped: " + e;
      commit.fail(e);
    } finally {
      pressure.end(); // whatever it is, writers waiting will not make it better
      urgency = Double.NaN;
    }
  }

  /// Compacts as long as the policy asks for it.
  ///
  /// @return why it asks for nothing more
  private String compactUntilDone() {
    while (!ending && demandsWaiting.get() == 0 && commit.failure() == null) {
      Garbage garbage = garbage();
      if (!garbage.isEnough()) {
        return garbage.whyNotEnough();
      }
      List<Segment> victims = victims(garbage);
      if (victims.isEmpty()) {
        if (!sealWhatIsFull() && !rollActiveForItsGarbage()) {
          return "waiting: the garbage is spread too thinly to be worth copying what lives";
        }
        continue;
      }
      long before = bytesOf(victims);
      long freed = 0;
      freeing.begin();
      try {
        freed = before - run(victims, false, new BackgroundPacer()).bytesWritten();
        if (freed < before / 16) {
          return "waiting: what is left are deletions that still hide older records elsewhere";
        }
      } catch (CompactionRun.DamagedVictimException e) {
        // Once more, without that one.
      } finally {
        freeing.end(freed);
      }
    }
    return state;
  }

  private List<Segment> victims(Garbage garbage) {
    double ratioLeast =
        options.compaction() instanceof CompactionPolicy.Automatic(double ratio, long bytes)
            ? ratio / 2
            : 0.01;
    return choice().best(ratioLeast, Math.max(RUN_BYTES_LEAST, garbage.length() / RUNS_IN_LOG));
  }

  private CompactionChoice choice() {
    return new CompactionChoice(segments.all(), damaged, options.segmentBytesMax());
  }

  /// Waits for segments that are not sealed yet because they are filled faster than that. Nothing is
  /// freed meanwhile, which counts for the pressure on writers.
  private boolean sealWhatIsFull() {
    Segment oldest = log.oldestUnsealed();
    if (oldest == null) {
      return false;
    }
    state = "waiting: full segments are being sealed";
    freeing.begin();
    log.awaitSealed();
    freeing.end(0);
    return commit.failure() == null && oldest.sealed() != null;
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

  /// Starts to compact everything that holds garbage, or joins the one that does so. One that was
  /// cancelled ends first.
  synchronized DemandedCompaction start() {
    if (demanded != null && demanded.isJoinable()) {
      return demanded;
    }
    DemandedCompaction job = new DemandedCompaction(Thread::startVirtualThread);
    demanded = job;
    demandsWaiting.incrementAndGet();
    try {
      workers.runOrThrow(Worker.COMPACT, () -> runDemanded(job));
    } catch (RejectedExecutionException e) {
      demandsWaiting.decrementAndGet();
      job.fail(new StoreClosedException("the store is closed"));
    } catch (OutOfMemoryError e) {
      demandsWaiting.decrementAndGet();
      job.fail(new StoreCompactionException("compaction failed: " + e.getMessage(), e));
    }
    return job;
  }

  private void runDemanded(DemandedCompaction job) {
    demandsWaiting.decrementAndGet();
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
    damaged.clear(); // a disk that could not read may be able to now
    settlement.settleWhatCanBeRead(); // or some garbage is not known
    log.rollOnDemand();
    log.awaitSealed();
    commit.throwIfFailed();
    List<CompactionReport> done = new ArrayList<>();
    Set<String> problems = new TreeSet<>();
    StoreIoException noSpace = null;
    for (int pass = 0; pass < PASSES_MAX; pass++) {
      noSpace = null;
      List<List<Segment>> groups = choice().groups(pass);
      job.addTotal(groups.stream().mapToLong(Compaction::bytesOf).sum());
      Deque<List<Segment>> todo = new ArrayDeque<>(groups);
      while (!todo.isEmpty()) {
        List<Segment> group = todo.remove();
        try {
          runWithoutDamaged(group, job, done, problems);
        } catch (StoreIoException e) {
          if (!e.isNoSpace()) {
            throw e;
          }
          if (group.size() > 1) { // half of it needs less room, and makes room for the other half
            todo.addFirst(group.subList(group.size() / 2, group.size()));
            todo.addFirst(group.subList(0, group.size() / 2));
          } else {
            noSpace = e; // others may make room for this one in the next pass
          }
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
          "segments "
              + damaged
              + " hold damage and were left as they are, the others are compacted; verify the store"
              + (problems.isEmpty() ? "" : ": " + String.join("; ", problems)));
    }
    return new CompactionReport(
        done.stream().mapToInt(CompactionReport::segmentsRemoved).sum(),
        done.stream().mapToInt(CompactionReport::segmentsWritten).sum(),
        done.stream().mapToLong(CompactionReport::bytesRead).sum(),
        done.stream().mapToLong(CompactionReport::bytesWritten).sum(),
        Math.max(0, diskBefore - bytesOf(segments.all())),
        Duration.ofNanos(System.nanoTime() - start));
  }

  /// Compacts a set of segments, without those that turn out to be damaged.
  private void runWithoutDamaged(
      List<Segment> group,
      DemandedCompaction job,
      List<CompactionReport> done,
      Set<String> problems) {
    List<Segment> rest = new ArrayList<>(group);
    while (!rest.isEmpty()) {
      try {
        done.add(run(rest, true, job));
        return;
      } catch (CompactionRun.DamagedVictimException e) {
        problems.add(String.valueOf(e.getMessage()));
        rest.removeIf(segment -> segment.id() == e.segmentId());
      }
    }
  }

  // ---- One set of segments

  /// @param thorough see [CompactionRun]
  private CompactionReport run(List<Segment> victims, boolean thorough, CompactionRun.Pacer pacer) {
    Set<Long> ids = new HashSet<>();
    victims.forEach(victim -> ids.add(victim.id()));
    state = "compacting segments " + ids;
    CompactionRun run =
        new CompactionRun(
            log, index, segments, commit, settlement, walks, victims, thorough, pacer);
    try {
      CompactionReport report = run.run();
      runs.incrementAndGet();
      bytesWritten.addAndGet(report.bytesWritten());
      state = "done with segments " + ids;
      return report;
    } catch (CompactionRun.DamagedVictimException e) {
      damaged.add(e.segmentId());
      state = "left alone: " + e.getMessage();
      throw e;
    }
  }

  private static long bytesOf(List<Segment> some) {
    return some.stream().mapToLong(Segment::end).sum();
  }

  /// Keeps background work to a rate, makes it rest while others need the machine and writers wait when
  /// that is not enough, and ends it when the store is closed.
  private final class BackgroundPacer implements CompactionRun.Pacer {
    private static final long LOOK_NANOS = 10_000_000;
    private static final long REST_LEAST_NANOS = 200_000;

    /// More than this was a wait for the disk and no work to rest from.
    private static final long WORK_MOST_NANOS = 20_000_000;

    private final long bytesPerSecondMax = options.compactionBytesPerSecondMax();
    private final long start = System.nanoTime();
    private long before = start; // when the last piece of work ended, or the rest after it
    private long unrested; // nanoseconds of work
    private long copied;
    private long freed;
    private long looked = start - LOOK_NANOS;

    @Override
    public void at(long bytesRead, long bytesCopied) {
      if (ending) {
        throw new StoreCompactionException("the store is being closed");
      }
      if (bytesCopied >= CompactionRun.STEP_BYTES) { // what is left of a segment costs otherwise
        pace.worked(System.nanoTime() - before, bytesCopied);
      }
      copied += bytesCopied;
      freed += bytesRead - bytesCopied;
      pause();
    }

    @Override
    public void rest() {
      pause();
    }

    private void pause() {
      long now = System.nanoTime();
      unrested += now - before;
      if (now - looked >= LOOK_NANOS) {
        looked = now;
        look();
      }
      if (restFrom(now) >= REST_LEAST_NANOS) { // less is saved up
        long slept = 0;
        for (long left = restFrom(now);
            left > slept && !ending && demandsWaiting.get() == 0;
            left = restFrom(now)) { // which becomes less if it gets urgent
          LockSupport.parkNanos(this, Math.min(left - slept, LOOK_NANOS));
          look();
          slept = System.nanoTime() - now;
        }
        unrested = 0;
      }
      before = System.nanoTime();
    }

    private long restFrom(long now) {
      long rest = pace.restAfter(Math.min(unrested, WORK_MOST_NANOS), urgency);
      return bytesPerSecondMax == Long.MAX_VALUE
          ? rest
          : Math.max(rest, (long) (copied * 1e9 / bytesPerSecondMax) - (now - start));
    }

    private void look() {
      Garbage garbage = garbage();
      urgency = garbage.urgency();
      freeing.progress(freed);
      updatePressure(garbage);
    }
  }

  // ---- State

  String state() {
    String held = damaged.isEmpty() ? "" : "; damaged and left alone: segments " + damaged;
    String slowed =
        options.compactionBytesPerSecondMax() == Long.MAX_VALUE
            ? ""
            : "; writes at most "
                + options.compactionBytesPerSecondMax()
                + " bytes per second, as the options say";
    return state + paceWords() + slowed + pressure.describe() + held;
  }

  private String paceWords() {
    double now = urgency;
    return Double.isNaN(now)
        ? ""
        : String.format(
            Locale.ROOT,
            "; others make work take %.1f times as long, urgency %.1f",
            1 + pace.contention(),
            now);
  }

  long runs() {
    return runs.get();
  }

  long bytesWritten() {
    return bytesWritten.get();
  }

  /// The segment that would be compacted next.
  OptionalLong nextVictim() {
    return choice().next();
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

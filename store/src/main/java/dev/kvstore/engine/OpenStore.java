package dev.kvstore.engine;

import dev.kvstore.Options;
import dev.kvstore.RecoveryReport;
import dev.kvstore.ScrubPolicy;
import dev.kvstore.Stats;
import dev.kvstore.StoreClosedException;
import dev.kvstore.StoreException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Directory;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentSealer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/// The parts of one open store, put together; and how they end.
final class OpenStore {
  final Directory directory;
  final Options options;
  final RecoveryReport recovery;
  final Log log;
  final GroupCommit commit;
  final WritePath writes;
  final ReadPath reads;
  final Compaction compaction;
  final Settlement settlement;

  private final ReentrantReadWriteLock walks = new ReentrantReadWriteLock();
  private final Displaced displaced;
  private final LateHints hints;
  private final LateCopies copies;
  private final @Nullable Scrubber scrubber; // null unless asked for
  private final HashIndex index;
  private final SegmentTable segments;
  private final Workers workers;
  private final boolean imaged;
  private final long recoveredSequence;

  private final AtomicBoolean closing = new AtomicBoolean();
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  private volatile boolean open = true;

  OpenStore(
      Directory directory, Options options, Environment environment, Recovery.Result recovered) {
    this.directory = directory;
    this.options = options;
    this.recovery = recovered.report();
    this.index = recovered.index();
    this.segments = recovered.segments();
    this.workers = environment.workers();
    this.imaged = recovered.imaged();
    this.recoveredSequence = recovered.lastSequence();
    this.log = new Log(directory, options, environment, segments, recovered);
    // A store that is open for writing has been left durable by recovery.
    long durable = recovered.readOnly() ? recovery.durableSequence() : recoveredSequence;
    this.commit = new GroupCommit(log, workers, durable);
    Residency residency = environment.residency();
    this.displaced =
        new Displaced(
            index,
            segments,
            residency,
            log.hasher(),
            log.appendLock,
            environment.blindFromLogBytes());
    this.settlement = new Settlement(displaced, this::newPass, workers);
    this.compaction =
        new Compaction(log, index, segments, commit, settlement, walks, options, workers);
    this.writes =
        new WritePath(
            log,
            index,
            segments,
            residency,
            environment.clock(),
            commit,
            displaced,
            settlement,
            compaction::garbageGrew);
    this.reads =
        new ReadPath(index, segments, residency, displaced, log.hasher(), options.verifyReads());
    log.connect(commit, compaction::look);
    this.hints = new LateHints(new SegmentSealer(directory, log.store(), log.hasher()), segments);
    this.copies = new LateCopies(index, commit);
    this.scrubber =
        options.scrub() instanceof ScrubPolicy.AtMost atMost
            ? new Scrubber(directory, segments, log.store(), log.hasher(), hints, atMost)
            : null;
    try {
      copies.order(workers);
      hints.order(recovered.withoutHint(), workers);
      if (scrubber != null) {
        scrubber.start(workers);
      }
    } catch (Throwable e) {
      discard(e);
      throw e;
    }
  }

  private SettlementPass newPass() {
    return new SettlementPass(
        displaced, index, segments, new SortedRecords(directory, segments, walks.readLock()));
  }

  /// Lets go of what recovery has opened, except the directory. Nobody has read or written yet.
  private void discard(Throwable cause) {
    try {
      if (scrubber != null) {
        scrubber.end();
      }
      hints.end();
      copies.end();
      workers.end();
    } catch (Throwable e) {
      cause.addSuppressed(e);
    } finally {
      index.close();
      displaced.close();
      segments.all().forEach(Segment::retire);
    }
  }

  KeyWalk walk() {
    settlement.settleAll();
    return new KeyWalk(
        index, displaced, segments, log.hasher(), walks.readLock(), this::closedOr, writes.size());
  }

  /// How many keys there are. Where writes are blind, they are not for as long as that takes to find out.
  long size() {
    long size = writes.size();
    if (!displaced.isUsed()) {
      return size;
    }
    displaced.suspend();
    try {
      settlement.settleAll();
      return writes.size();
    } finally {
      displaced.resume();
    }
  }

  void requireOpen() {
    if (!open) {
      throw closedException();
    }
  }

  /// What an [IllegalStateException] from the depths means.
  RuntimeException closedOr(IllegalStateException e) {
    return closing.get() ? closedException() : e;
  }

  private StoreClosedException closedException() {
    return new StoreClosedException("the store in " + directory.path() + " is closed");
  }

  // ---- Statistics

  Stats stats() {
    List<Stats.Segment> rows = new ArrayList<>();
    Segment active = log.activeSegment();
    long live = 0;
    long garbage = 0;
    long disk = 0;
    for (Segment segment : segments.all()) {
      SealedSegment sealed = segment.sealed();
      Stats.State state =
          sealed != null
              ? Stats.State.SEALED
              : active == null || segment.id() >= active.id()
                  ? Stats.State.ACTIVE
                  : Stats.State.SEALING;
      rows.add(
          new Stats.Segment(
              segment.id(),
              state,
              segment.end(),
              segment.garbageBytes(),
              segment.liveBytes(),
              sealed == null ? OptionalLong.empty() : OptionalLong.of(sealed.records())));
      live += segment.liveBytes();
      garbage += segment.garbageBytes();
      disk += segment.memory().byteSize();
    }
    Throwable failure = commit.failure();
    return new Stats(
        writes.size(),
        disk,
        live,
        garbage,
        index.bytes() + displaced.bytes(),
        log.lastSequence(),
        commit.durableSequence(),
        reads.gets(),
        writes.puts(),
        writes.deletes(),
        commit.syncs(),
        commit.syncsFailed(),
        reads.corruptReads(),
        compaction.runs(),
        compaction.bytesWritten(),
        compaction.state(),
        compaction.nextVictim(),
        scrubber == null ? Stats.Scrub.NONE : scrubber.stats(),
        failure == null ? "" : String.valueOf(failure.getMessage()),
        rows);
  }

  // ---- The end

  void close() {
    if (!closing.compareAndSet(false, true)) {
      closed.exceptionally(e -> null).join();
      return;
    }
    Future<?> end;
    try {
      end = workers.begin("store-close", this::closeNow);
    } catch (OutOfMemoryError noThread) {
      closeInThisThread();
      return;
    }
    Workers.await(end);
  }

  private boolean closeNow() {
    try {
      closeParts();
      closed.complete(null);
      return true;
    } catch (Throwable e) {
      closed.completeExceptionally(e);
      throw e;
    }
  }

  /// If it has been interrupted, that must not reach the files.
  private void closeInThisThread() {
    boolean interrupted = Thread.interrupted();
    try {
      closeNow();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void closeParts() {
    boolean failedBefore = commit.failure() != null;
    try {
      log.refuseWrites("the store in " + directory.path() + " is closed");
      if (scrubber != null) {
        scrubber.end();
      }
      compaction.end();
      settlement.end();
      hints.end();
      copies.end();
      workers.end();
      compaction.abandonJobs();
      commit.end();
      if (commit.failure() != null || log.isReadOnly()) {
        log.abandon();
      } else {
        leaveCleanly();
      }
      if (!failedBefore) {
        commit.throwIfFailed();
      }
    } catch (Throwable e) {
      log.abandon();
      throw e;
    } finally {
      open = false;
      index.close();
      displaced.close();
      segments.all().forEach(Segment::retire);
      directory.close();
    }
  }

  private void leaveCleanly() {
    Segment tail = log.closeCleanly();
    boolean unchanged = imaged && log.lastSequence() == recoveredSequence && compaction.runs() == 0;
    List<Segment> all = segments.all();
    if (!unchanged && !all.isEmpty() && settlement.settleWhatCanBeRead()) {
      writeImage(all, tail);
    }
  }

  /// The image only saves time: a disk without room for it does not fail the close.
  private void writeImage(List<Segment> all, @Nullable Segment tail) {
    try {
      IndexImage.write(directory, log.store(), index, all, tail, log.lastSequence());
    } catch (StoreException | InternalError e) {
      System.getLogger(OpenStore.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "no index image, the next open will take longer: {0}",
              e.getMessage());
    }
  }
}

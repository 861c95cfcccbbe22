package dev.kvstore.engine;

import dev.kvstore.CompactionReport;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreException;
import dev.kvstore.StoreIoException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Directory;
import dev.kvstore.segment.HintWriter;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentCopy;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentSealer;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Compacts one set of sealed segments into at most one new one. The steps, each a point where a crash
/// leaves either the old segments or the new one:
///
/// 1. settle what is [Displaced], find what lives, copy it, and the tombstones that are still needed,
///    into a new segment;
/// 2. force the log as far as it has been written: that a record does not live rests on a later write,
///    and a power loss must not take that write and leave the record gone;
/// 3. seal the new segment: force it and its name, hint;
/// 4. replace the manifest: from here on the new segment counts, and the old ones do not;
/// 5. redirect the index, entry by entry, where it still points to the copied record;
/// 6. wait for iterations that read by address, unmap the old segments, delete their files.
///
/// Everything that concerns the index goes in the order of hashes, one range of them after the other
/// through all victims: index and hints are then read from beginning to end, and a range of the index
/// stays in the cache. Everything that concerns records goes in the order of the log, in stretches of
/// records that live beside each other. What is dead is not read. [LiveMap] leads from one order to
/// the other.
///
/// A record that is copied must verify, or the segment stays as it is: [DamagedVictimException].
final class CompactionRun {
  /// A get that has found a record there has read it by then, unless it waits for a processor.
  private static final long GRACE_NANOS = 2_000_000;

  static final long STEP_BYTES = 256L << 10;
  private static final long RANGE_ENTRIES = 2048;
  private static final long RANGE_ENTRIES_OF_ONE = 32;
  private static final int TOMBSTONES_UNASKED = 32; // one part in so many

  /// Is told of progress and may slow down.
  interface Pacer {
    /// May also stop the run by throwing.
    void at(long bytesRead, long bytesCopied);

    /// After a piece of work from which there is no way back.
    void rest();
  }

  /// A victim does not verify; it must stay as it is.
  static final class DamagedVictimException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long segmentId;

    DamagedVictimException(Segment segment, StoreCorruptionException cause) {
      super(
          segment.name()
              + " @ "
              + cause.offset()
              + ": "
              + cause.problem()
              + "; the segment stays as it is, `kvstore salvage` copies out what verifies",
          cause);
      this.segmentId = segment.id();
    }

    long segmentId() {
      return segmentId;
    }
  }

  private final Log log;
  private final HashIndex index;
  private final SegmentTable segments;
  private final GroupCommit commit;
  private final Settlement settlement;
  private final ReentrantReadWriteLock walks;
  private final List<Segment> segmentsToCompact;
  private final boolean thorough;
  private final Pacer pacer;

  private final List<CompactionVictim> victims = new ArrayList<>();
  private final IndexBatch batch = new IndexBatch();
  private int rangeBits;

  private @Nullable SegmentCopy copy;
  private @Nullable Segment output;
  private @Nullable String hintName;
  private long bytesRead;

  /// @param thorough whether every tombstone is to go that can, whatever it costs to find out
  CompactionRun(
      Log log,
      HashIndex index,
      SegmentTable segments,
      GroupCommit commit,
      Settlement settlement,
      ReentrantReadWriteLock walks,
      List<Segment> victims,
      boolean thorough,
      Pacer pacer) {
    this.log = log;
    this.index = index;
    this.segments = segments;
    this.commit = commit;
    this.settlement = settlement;
    this.walks = walks;
    this.segmentsToCompact = victims;
    this.thorough = thorough;
    this.pacer = pacer;
  }

  CompactionReport run() {
    long start = System.nanoTime();
    SealedSegment sealed;
    settlement.exclude(segmentsToCompact);
    try (Arena arena = Arena.ofConfined()) {
      settleDisplaced();
      sealed = replaceVictims(arena);
      if (output != null) {
        redirect(output);
      }
    } finally {
      victims.forEach(CompactionVictim::close);
      settlement.exclude(List.of());
    }
    retireVictims();
    long bytesWritten = sealed == null ? 0 : sealed.bytes();
    return new CompactionReport(
        victims.size(),
        sealed == null ? 0 : 1,
        bytesRead,
        bytesWritten,
        Math.max(0, bytesRead - bytesWritten),
        Duration.ofNanos(System.nanoTime() - start));
  }

  /// Nothing of a victim may be displaced: what is, has no entry in the index to be found by.
  private void settleDisplaced() {
    try {
      settlement.settle(segmentsToCompact);
    } catch (StoreException some) {
      segmentsToCompact.forEach(this::settleDisplaced); // tells which it is
    }
  }

  private void settleDisplaced(Segment segment) {
    try {
      settlement.settle(List.of(segment));
    } catch (StoreException e) {
      throw new DamagedVictimException(
          segment, new StoreCorruptionException(segment.name(), 0, String.valueOf(e.getMessage())));
    }
  }

  /// Steps 1 to 4.
  private @Nullable SealedSegment replaceVictims(Arena arena) {
    SealedSegment sealed = null;
    try {
      for (Segment segment : segmentsToCompact) {
        victims.add(ofVictim(segment, () -> new CompactionVictim(log, segment, arena)));
      }
      findLive();
      takeTombstones();
      copyAll();
      commit.await(log.settledSequence());
      commit.throwIfFailed();
      if (copy != null) {
        sealed = seal(copy);
      }
      log.replace(ids(), sealed == null ? List.of() : List.of(sealed));
    } catch (Throwable e) {
      takeBackOutput(e);
      throw e;
    }
    if (output != null && sealed != null) {
      output.markSealed(sealed);
    }
    return sealed;
  }

  private Set<Long> ids() {
    Set<Long> ids = new HashSet<>();
    segmentsToCompact.forEach(victim -> ids.add(victim.id()));
    return ids;
  }

  private void takeBackOutput(Throwable cause) {
    if (output != null) {
      segments.remove(output);
      output.retire();
    }
    if (copy != null) {
      log.takeBack(copy, hintName, cause);
    }
  }

  /// Does something with a victim, and says so if it turns out to be damaged.
  private static <T> T ofVictim(Segment segment, Supplier<T> work) {
    try {
      return work.get();
    } catch (StoreCorruptionException e) {
      throw new DamagedVictimException(segment, e);
    } catch (InternalError lost) {
      throw new DamagedVictimException(
          segment,
          new StoreCorruptionException(
              segment.name(), 0, String.valueOf(segment.lost(lost).getMessage())));
    }
  }

  private static void ofVictim(Segment segment, Runnable work) {
    ofVictim(
        segment,
        () -> {
          work.run();
          return segment;
        });
  }

  private interface RangeWork {
    void in(HashRange range);
  }

  /// Walks over the entries of all victims, one range of hashes after the other.
  private void forEachRange(RangeWork work) {
    victims.forEach(CompactionVictim::rewind);
    for (int number = 0; number < 1 << rangeBits; number++) {
      work.in(new HashRange(number, rangeBits));
    }
  }

  // ---- 1. Find and copy

  private void findLive() {
    long records = victims.stream().mapToLong(CompactionVictim::records).sum();
    rangeBits =
        HashRange.bitsFor(records, Math.max(RANGE_ENTRIES, RANGE_ENTRIES_OF_ONE * victims.size()));
    findLive(victims);
    log.settledSequence(); // whoever has changed the index has counted by then
    List<CompactionVictim> doubtful = new ArrayList<>();
    for (CompactionVictim victim : victims) {
      if (victim.isHintWrong()) {
        ofVictim(victim.segment(), victim::readFromLog);
        doubtful.add(victim);
      }
    }
    findLive(doubtful);
  }

  private void findLive(List<CompactionVictim> some) {
    forEachRange(range -> {
      for (CompactionVictim victim : some) {
        ofVictim(victim.segment(), () -> victim.findLive(range, index, batch));
      }
      pacer.at(0, 0);
    });
  }

  private void takeTombstones() {
    long tombstones = victims.stream().mapToLong(victim -> victim.sealed().tombstoneBytes()).sum();
    if (tombstones == 0) {
      return;
    }
    try (OlderRecords older = olderRecords(tombstones)) {
      for (CompactionVictim victim : victims) {
        takeTombstones(victim, older);
        pacer.at(0, 0);
      }
    }
  }

  /// Memory that is lost here is that of a hint, nearly always of another segment, which is no damage of
  /// the victim: an answer that cannot be had is yes.
  private static void takeTombstones(CompactionVictim victim, OlderRecords older) {
    try {
      victim.takeTombstones(older);
    } catch (InternalError lost) {
      ofVictim(victim.segment(), () -> victim.takeTombstones(OlderRecords.unknown()));
    }
  }

  /// To ask for tombstones means to read the hints of all older segments. A few are not worth that, they
  /// are asked for when they have become more; unless everything is to go that can.
  private OlderRecords olderRecords(long tombstoneBytes) {
    return !thorough && tombstoneBytes <= foundBytes() / TOMBSTONES_UNASKED
        ? OlderRecords.unknown()
        : OlderRecords.than(segmentsToCompact, log, segments.all());
  }

  private long foundBytes() {
    return victims.stream().mapToLong(CompactionVictim::foundBytes).sum();
  }

  private void copyAll() {
    long end = SegmentFormat.HEADER_BYTES;
    for (CompactionVictim victim : victims) {
      end = victim.placeAt(end, batch);
    }
    if (end > SegmentFormat.HEADER_BYTES) {
      copy = log.newCopy();
    }
    pacer.at(0, 0); // from here on it is copying that takes the time
    for (CompactionVictim victim : victims) {
      copyOf(victim, copy);
    }
  }

  private void copyOf(CompactionVictim victim, @Nullable SegmentCopy to) {
    long end = victim.sealed().bytes();
    if (to == null || victim.copiedBytes() == 0) {
      bytesRead += end;
      pacer.at(end, 0);
      return;
    }
    for (long at = 0; at < end; ) {
      long from = at;
      long copiedBefore = to.end();
      at = ofVictim(victim.segment(), () -> victim.copyTo(to, from, STEP_BYTES));
      bytesRead += at - from;
      pacer.at(at - from, to.end() - copiedBefore);
    }
  }

  // ---- 3. Seal

  private SealedSegment seal(SegmentCopy written) {
    SegmentCopy.Sealed sealed = log.sealCopy(written);
    output = sealed.segment();
    written.close();
    writeHint(sealed.sealed());
    // Counted before it can be seen, or all of it would be garbage until the index is redirected.
    sealed.segment().addLiveBytes(foundBytes());
    segments.add(sealed.segment(), sealed.sealed().bytes());
    return sealed.sealed();
  }

  /// Merges the entries of the victims into the hint of the output. A disk without room for it does
  /// not keep the compaction from ending.
  private void writeHint(SealedSegment sealed) {
    try (HintWriter hint = HintWriter.create(log.directory(), log.store(), sealed)) {
      forEachRange(range -> {
        for (CompactionVictim victim : victims) {
          victim.addTo(hint, range);
        }
        hint.endRange();
        pacer.at(0, 0);
      });
      hint.finish();
      hintName = SegmentFormat.hintName(sealed.id());
    } catch (StoreIoException e) {
      SegmentSealer.noHint(sealed, e);
    }
  }

  // ---- 5. Redirect

  /// There is no way back from here: the manifest does not count any more what the index points to.
  private void redirect(Segment written) {
    try {
      forEachRange(range -> {
        for (CompactionVictim victim : victims) {
          victim.redirect(range, index, batch, written);
        }
        pacer.rest();
      });
    } catch (Throwable e) {
      commit.fail(e);
      throw e;
    }
  }

  // ---- 6. Retire

  /// Waits until nobody reads by an address that was in the index before it was redirected.
  @SuppressWarnings("LockNotBeforeTry") // a barrier, not a critical section
  private void awaitWalks() {
    walks.writeLock().lock();
    walks.writeLock().unlock();
  }

  private void retireVictims() {
    awaitWalks();
    Directory directory = log.directory();
    segmentsToCompact.forEach(segments::remove);
    if (!commit.isInline()) {
      LockSupport.parkNanos(this, GRACE_NANOS); // see Mapping.retire
    }
    segmentsToCompact.forEach(Segment::retire);
    try {
      Set<String> names = new HashSet<>(directory.list());
      for (Segment victim : segmentsToCompact) {
        directory.remove(victim.name());
        if (names.contains(SegmentFormat.hintName(victim.id()))) {
          directory.remove(SegmentFormat.hintName(victim.id()));
        }
      }
      if (names.contains(IndexImage.NAME)) {
        directory.remove(IndexImage.NAME); // it points into segments that are gone
      }
    } catch (StoreIoException e) {
      // They do not count any more; the next open removes them.
      System.getLogger(CompactionRun.class.getName())
          .log(System.Logger.Level.WARNING, "a compacted file stays: {0}", e.getMessage());
    }
  }
}

package dev.kvstore.engine;

import dev.kvstore.CompactionReport;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Directory;
import dev.kvstore.segment.HintEntries;
import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.RecordChecksum;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import dev.kvstore.segment.SegmentWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/// Compacts one set of sealed segments into at most one new one. The steps, each a point where a crash
/// leaves either the old segments or the new one:
///
/// 1. copy what lives, and the tombstones that are still needed, into a new segment;
/// 2. force the log as far as it has been written: that a record does not live rests on a later write,
///    and a power loss must not take that write and leave the record gone;
/// 3. seal the new segment: force, hint;
/// 4. replace the manifest: from here on the new segment counts, and the old ones do not;
/// 5. redirect the index, entry by entry, where it still points to the copied record;
/// 6. wait for iterations that read by address, unmap the old segments, delete their files.
///
/// A tombstone is needed as long as any other segment holds an older record of its key, dead or not;
/// hint files, which list all records by hash, answer that. An answer that cannot be had keeps it.
final class CompactionRun {
  private static final long PACE_BYTES = 64L << 10;

  /// Is told of progress and may slow down, or stop by throwing.
  interface Pacer {
    void at(long bytesRead, long bytesCopied);
  }

  /// A victim does not verify; it must stay as it is.
  static final class DamagedVictimException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long segmentId;

    DamagedVictimException(Segment segment, long offset, @Nullable String problem) {
      super(
          segment.name()
              + " @ "
              + offset
              + ": "
              + problem
              + "; the segment stays as it is, `kvstore salvage` copies out what verifies");
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
  private final ReentrantReadWriteLock walks;
  private final List<Segment> victims;
  private final Pacer pacer;

  private final KeyHasher hasher;
  private final byte[] key = new byte[0xFFFF];
  private final RecordChecksum checksum = new RecordChecksum();
  private final List<HintFile> otherHints = new ArrayList<>();

  /// Sequences from which on tombstones must stay because some hint could not be read.
  private long unansweredFrom = Long.MAX_VALUE;

  private @Nullable SegmentWriter output;
  private long copiedCount;
  private long bytesRead;
  private long bytesCopied;
  private long pacedRead;
  private long pacedCopied;

  CompactionRun(
      Log log,
      HashIndex index,
      SegmentTable segments,
      GroupCommit commit,
      ReentrantReadWriteLock walks,
      List<Segment> victims,
      Pacer pacer) {
    this.log = log;
    this.index = index;
    this.segments = segments;
    this.commit = commit;
    this.walks = walks;
    this.victims = victims;
    this.pacer = pacer;
    this.hasher = log.hasher();
  }

  CompactionReport run() {
    // Off the Java heap, since there is one word for each record.
    try (Arena arena = Arena.ofConfined()) {
      long records = 0;
      for (Segment victim : victims) {
        SealedSegment sealed = victim.sealed();
        records += sealed == null ? 0 : sealed.records();
      }
      return run(arena.allocate(ValueLayout.JAVA_LONG, Math.max(1, records)));
    }
  }

  /// @param copiedFrom takes the old address of each record that is copied; NONE for a tombstone
  private CompactionReport run(MemorySegment copiedFrom) {
    long start = System.nanoTime();
    SealedSegment sealed = null;
    try {
      openOtherHints();
      for (Segment victim : victims) {
        copy(victim, copiedFrom);
      }
      commit.await(log.settledSequence());
      commit.throwIfFailed();
      if (output != null) {
        sealed = log.sealOutput(output);
        segments.add(output.segment(), output.segment().end());
      }
      log.replace(ids(), sealed == null ? List.of() : List.of(sealed));
    } catch (Throwable e) {
      takeBackOutput(e);
      throw e;
    } finally {
      otherHints.forEach(HintFile::close);
    }
    if (output != null && sealed != null) {
      output.segment().markSealed(sealed);
      redirect(output.segment(), copiedFrom);
    }
    retireVictims();
    long written = sealed == null ? 0 : sealed.bytes();
    return new CompactionReport(
        victims.size(),
        sealed == null ? 0 : 1,
        bytesRead,
        written,
        Math.max(0, bytesRead - written),
        Duration.ofNanos(System.nanoTime() - start));
  }

  private Set<Long> ids() {
    Set<Long> ids = new HashSet<>();
    victims.forEach(victim -> ids.add(victim.id()));
    return ids;
  }

  private void takeBackOutput(Throwable cause) {
    SegmentWriter writer = output;
    if (writer != null) {
      segments.remove(writer.segment());
      log.takeBack(writer, cause);
    }
  }

  // ---- 1. Copy

  private void copy(Segment victim, MemorySegment copiedFrom) {
    SegmentScanner scanner = new SegmentScanner(victim, SegmentFormat.HEADER_BYTES, victim.end());
    while (scanner.next()) {
      switch (scanner.kind()) {
        case RecordFormat.PUT -> copyIfLive(victim, scanner, copiedFrom);
        case RecordFormat.DELETE -> copyIfNeeded(victim, scanner, copiedFrom);
        default -> {}
      }
      pace(scanner.recordBytes());
    }
    if (scanner.problem() != null) {
      throw new DamagedVictimException(victim, scanner.position(), scanner.problem());
    }
    bytesRead += SegmentFormat.HEADER_BYTES;
    tell();
  }

  private void copyIfLive(Segment victim, SegmentScanner scanner, MemorySegment copiedFrom) {
    long address = victim.addressOf(scanner.offset());
    long hash = hasher.hash(key, 0, scanner.copyKey(key));
    if (index.contains(hash, address)) {
      copyRecord(victim, scanner, address, copiedFrom);
    }
  }

  private void copyIfNeeded(Segment victim, SegmentScanner scanner, MemorySegment copiedFrom) {
    long hash = hasher.hash(key, 0, scanner.copyKey(key));
    if (hidesSomething(hash, scanner.sequence())) {
      copyRecord(victim, scanner, HashIndex.NONE, copiedFrom);
    }
  }

  private void copyRecord(
      Segment victim, SegmentScanner scanner, long address, MemorySegment copiedFrom) {
    SegmentWriter writer = output;
    if (writer == null) {
      writer = log.newOutput(bytesToCopyAtMost());
      output = writer;
    }
    if (writer.copy(victim, scanner.offset(), checksum) < 0) {
      throw new DamagedVictimException(victim, scanner.offset(), "changed while it was read");
    }
    copiedFrom.setAtIndex(ValueLayout.JAVA_LONG, copiedCount, address);
    copiedCount++;
    bytesCopied += scanner.recordBytes();
  }

  /// Records of sealed segments only ever stop living, so this can only be too much.
  private long bytesToCopyAtMost() {
    long bytes = 0;
    for (Segment victim : victims) {
      SealedSegment sealed = victim.sealed();
      bytes += victim.liveBytes() + (sealed == null ? 0 : sealed.tombstoneBytes());
    }
    return bytes;
  }

  private void pace(long recordBytes) {
    bytesRead += recordBytes;
    if (bytesRead - pacedRead >= PACE_BYTES) {
      tell();
    }
  }

  private void tell() {
    pacer.at(bytesRead - pacedRead, bytesCopied - pacedCopied);
    pacedRead = bytesRead;
    pacedCopied = bytesCopied;
  }

  // ---- Tombstones

  private void openOtherHints() {
    long highest = 0;
    for (Segment victim : victims) {
      SealedSegment sealed = victim.sealed();
      if (sealed != null && sealed.tombstoneBytes() > 0) {
        highest = Math.max(highest, sealed.maxSequence());
      }
    }
    for (Segment other : segments.all()) {
      SealedSegment sealed = other.sealed();
      // Segments that are not sealed are younger than every tombstone of a sealed one.
      if (sealed == null || victims.contains(other) || sealed.minSequence() >= highest) {
        continue;
      }
      try {
        otherHints.add(HintFile.open(log.directory(), log.store(), sealed));
      } catch (StoreCorruptionException | StoreVersionException | StoreIoException e) {
        unansweredFrom = Math.min(unansweredFrom, sealed.minSequence());
      }
    }
  }

  /// Whether some segment that stays may hold a record of this key that is older than the tombstone.
  private boolean hidesSomething(long hash, long sequence) {
    if (sequence > unansweredFrom) {
      return true;
    }
    for (HintFile file : otherHints) {
      HintEntries hint = file.entries();
      for (long entry = hint.lowerBound(hash);
          entry < hint.count() && hint.hash(entry) == hash;
          entry++) {
        if (hint.sequence(entry) < sequence) {
          return true;
        }
      }
    }
    return false;
  }

  // ---- 5. Redirect

  private void redirect(Segment written, MemorySegment copiedFrom) {
    MemorySegment memory = written.memory();
    long at = SegmentFormat.HEADER_BYTES;
    for (long i = 0; i < copiedCount; i++) {
      long from = copiedFrom.getAtIndex(ValueLayout.JAVA_LONG, i);
      long bytes = RecordFormat.recordBytes(memory, at);
      if (from != HashIndex.NONE) {
        int keySize = RecordFormat.keySize(memory, at);
        MemorySegment.copy(
            memory, ValueLayout.JAVA_BYTE, at + RecordFormat.HEADER_BYTES, key, 0, keySize);
        long hash = hasher.hash(key, 0, keySize);
        // Counted first: a writer that replaces the record at once takes it off again.
        written.addLiveBytes(bytes);
        if (!index.replace(hash, from, written.addressOf(at))) {
          written.addLiveBytes(-bytes); // it was replaced or deleted while it was copied
        }
      }
      at += bytes;
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
    for (Segment victim : victims) {
      segments.remove(victim);
      victim.retire();
    }
    try {
      Set<String> names = new HashSet<>(directory.list());
      for (Segment victim : victims) {
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

package dev.kvstore.engine;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.HintBuilder;
import dev.kvstore.segment.HintEntries;
import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.HintWriter;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentCopy;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentSealer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/// One segment that is being compacted: its entries in the order of hashes, which of their records are
/// copied, and where to.
///
/// The entries come from the hint file, else from reading the segment into the same form. Walks over
/// them go range of hashes by range, as [CompactionRun] says, so that all victims meet the same part of
/// the index at the same time.
///
/// - Threads: one at a time.
/// - Memory, off the heap, in the arena it is given: a fiftieth of the segment's bytes, and 8 bytes for
///   each record; without a hint file also 24 bytes for each record, 48 for a moment.
final class CompactionVictim implements AutoCloseable {
  private final Log log;
  private final Arena arena;
  private final Segment segment;
  private final SealedSegment sealed;
  private HintEntries entries;
  private boolean fromHint;
  private boolean misled; // by a hint that names places where no record can be
  private Runnable closer; // of what the entries come from
  private final LiveMap live;

  // Of what is copied, in the order of hashes: number of the entry, and offset of the copy / 8.
  private MemorySegment copied;
  private MemorySegment places = MemorySegment.NULL;
  private long copiedCount;
  private long copiedBytes;

  // Where the walk that is under way goes on: by entry, by copied entry.
  private long next;
  private long nextCopied;

  private long foundBytes; // of live records
  private long uncopied; // records

  /// Gets at the entries of a segment.
  ///
  /// @throws StoreCorruptionException if there is no good hint and the segment does not verify either
  CompactionVictim(Log log, Segment segment, Arena arena) {
    this.log = log;
    this.arena = arena;
    this.segment = segment;
    this.sealed = Objects.requireNonNull(segment.sealed());
    this.live = new LiveMap(arena, sealed.bytes());
    this.copied = newCopied();
    try {
      HintFile hint = HintFile.open(log.directory(), log.store(), sealed);
      this.entries = hint.entries();
      this.closer = hint::close;
      this.fromHint = true;
    } catch (StoreCorruptionException | StoreVersionException | StoreIoException e) {
      HintBuilder builder = readLog();
      this.entries = sorted(builder);
      this.closer = builder::close;
    }
  }

  private HintBuilder readLog() {
    HintBuilder builder = new HintBuilder(sealed.records());
    try {
      SegmentSealer.Summary.of(segment, log.hasher(), builder);
      if (builder.count() != sealed.records()) {
        throw new StoreCorruptionException(
            segment.name(),
            sealed.bytes(),
            builder.count() + " records, it was sealed with " + sealed.records());
      }
      return builder;
    } catch (Throwable e) {
      builder.close();
      throw e;
    }
  }

  /// The builder is closed if this fails.
  private static HintEntries sorted(HintBuilder builder) {
    try {
      return builder.sorted();
    } catch (Throwable e) {
      builder.close();
      throw e;
    }
  }

  /// Takes the entries from the segment itself, because those of the hint are in doubt, and starts
  /// again.
  ///
  /// @throws StoreCorruptionException if the segment does not verify
  void readFromLog() {
    HintBuilder builder = readLog();
    entries = sorted(builder);
    closer.run();
    closer = builder::close;
    fromHint = false;
    misled = false;
    live.clear();
    foundBytes = 0;
    copiedCount = 0;
  }

  /// Whether the entries come from a hint that cannot be right. After [#findLive], when whoever has
  /// changed the index has counted.
  boolean isHintWrong() {
    // Writers count what lives. Entries that lead to less would lose what they do not name.
    return fromHint && (misled || foundBytes < segment.liveBytes());
  }

  Segment segment() {
    return segment;
  }

  SealedSegment sealed() {
    return sealed;
  }

  long records() {
    return entries.count();
  }

  // ---- What is copied

  /// Starts a walk over all entries.
  void rewind() {
    next = 0;
    nextCopied = 0;
  }

  /// Asks the index which records of one range of hashes live. A tombstone never does. Leaves it when a
  /// hint turns out to be wrong.
  void findLive(HashRange range, HashIndex index, IndexBatch batch) {
    if (misled) {
      return;
    }
    long end = range.end(entries, next);
    while (next < end) {
      int size = (int) Math.min(IndexBatch.ENTRIES_MOST, end - next);
      entries.copyTo(batch.words, next, size);
      if (fromHint && !arePlacesOfRecords(batch.words, size)) {
        misled = true;
        return;
      }
      long base = segment.baseAddress();
      for (int i = 0; i < size; i++) {
        batch.hashes[i] = HintEntries.hashIn(batch.words, i);
        batch.addresses[i] = base + (HintEntries.offsetIn(batch.words, i) >>> 3);
      }
      index.containsAll(batch.hashes, batch.addresses, size, batch.answers);
      takeLive(size, batch);
      next += size;
    }
  }

  private boolean arePlacesOfRecords(long[] words, int size) {
    long end = sealed.bytes() - RecordFormat.SEAL_BYTES;
    long wrong = 0; // negative once one is
    for (int i = 0; i < size; i++) {
      long offset = HintEntries.offsetIn(words, i);
      long bytes = HintEntries.recordBytesIn(words, i);
      wrong |= offset - SegmentFormat.HEADER_BYTES;
      wrong |= bytes - RecordFormat.HEADER_BYTES;
      wrong |= end - (offset + bytes);
    }
    return wrong >= 0;
  }

  private void takeLive(int size, IndexBatch batch) {
    int taken = 0;
    for (int i = 0; i < size; i++) {
      copied.setAtIndex(ValueLayout.JAVA_INT, copiedCount + taken, (int) next + i);
      batch.targets[taken] = HintEntries.offsetIn(batch.words, i);
      batch.bytes[taken] = HintEntries.recordBytesIn(batch.words, i);
      taken += batch.answers[i] ? 1 : 0;
    }
    for (int i = 0; i < taken; i++) {
      live.mark(batch.targets[i], batch.bytes[i]);
      foundBytes += batch.bytes[i];
    }
    copiedCount += taken;
  }

  /// Bytes of records that the index named as live.
  long foundBytes() {
    return foundBytes;
  }

  /// Takes the tombstones that still hide something. May be repeated if it fails.
  void takeTombstones(OlderRecords older) {
    if (sealed.tombstoneBytes() == 0) {
      return;
    }
    MemorySegment lives = copied;
    MemorySegment all = newCopied();
    long taken = 0;
    long nextLive = 0;
    older.rewind();
    for (long entry = 0; entry < entries.count(); entry++) {
      boolean take =
          nextLive < copiedCount && lives.getAtIndex(ValueLayout.JAVA_INT, nextLive) == entry;
      if (take) {
        nextLive++;
      } else if (entries.isDelete(entry)
          && older.mayHold(entries.hash(entry), entries.sequence(entry))) {
        live.mark(entries.offset(entry), entries.recordBytes(entry));
        take = true;
      }
      if (take) {
        all.setAtIndex(ValueLayout.JAVA_INT, taken++, (int) entry);
      }
    }
    copied = all;
    copiedCount = taken;
  }

  private MemorySegment newCopied() {
    // One more than there can be, since each is written before it is known whether it counts.
    return arena.allocate((sealed.records() + 1) * Integer.BYTES, Integer.BYTES);
  }

  private long copied(long number) {
    return copied.getAtIndex(ValueLayout.JAVA_INT, number);
  }

  /// Says where the copies go.
  ///
  /// @return where they will end
  long placeAt(long offset, IndexBatch batch) {
    copiedBytes = live.count();
    places = arena.allocate(Math.max(1, copiedCount) * Integer.BYTES, Integer.BYTES);
    for (long from = 0; from < copiedCount; from += IndexBatch.ENTRIES_MOST) {
      int size = (int) Math.min(IndexBatch.ENTRIES_MOST, copiedCount - from);
      for (int i = 0; i < size; i++) {
        batch.targets[i] = entries.offset(copied(from + i));
      }
      live.toBytesBefore(batch.targets, size);
      for (int i = 0; i < size; i++) {
        places.setAtIndex(ValueLayout.JAVA_INT, from + i, (int) (offset + batch.targets[i] >>> 3));
      }
    }
    uncopied = copiedCount;
    return offset + copiedBytes;
  }

  private long placeOf(long number) {
    return (places.getAtIndex(ValueLayout.JAVA_INT, number) & 0xFFFF_FFFFL) << 3;
  }

  long copiedBytes() {
    return copiedBytes;
  }

  // ---- Copying, in the order of the log

  /// Copies what is copied of the segment from one offset on, about as much as is given.
  ///
  /// @return where to go on; the segment's end when all is done
  long copyTo(SegmentCopy output, long from, long bytes) {
    long end = sealed.bytes();
    long at = live.nextLive(from);
    long recordsBefore = output.records();
    for (long left = bytes; left > 0 && at < end; ) {
      long copiedTo = output.copy(segment, at, live.nextDead(at), at + left);
      left -= copiedTo - at;
      at = live.nextLive(copiedTo);
    }
    uncopied -= output.records() - recordsBefore;
    if (at == end && uncopied != 0) {
      throw new StoreCorruptionException(
          segment.name(), 0, "hint file and segment differ by " + uncopied + " records");
    }
    return at;
  }

  // ---- After copying

  /// Adds the copies of one range of hashes to the hint of the output.
  void addTo(HintWriter hint, HashRange range) {
    for (; nextCopied < copiedCount; nextCopied++) {
      long entry = copied(nextCopied);
      long hash = entries.hash(entry);
      if (!range.contains(hash)) {
        return;
      }
      hint.add(
          hash,
          entries.sequence(entry),
          placeOf(nextCopied),
          entries.recordBytes(entry),
          entries.isDelete(entry));
    }
  }

  /// Redirects the index to the copies of one range of hashes, where it still points to what was
  /// copied. It does not point to tombstones. The output has counted all [#foundBytes] as live before: a
  /// writer that replaces a copy at once takes it off there, and what was replaced or deleted before that
  /// is taken off here.
  void redirect(HashRange range, HashIndex index, IndexBatch batch, Segment output) {
    int size;
    do {
      for (size = 0; size < IndexBatch.ENTRIES_MOST && nextCopied < copiedCount; nextCopied++) {
        long entry = copied(nextCopied);
        long hash = entries.hash(entry);
        if (!range.contains(hash)) {
          break;
        }
        if (!entries.isDelete(entry)) {
          batch.hashes[size] = hash;
          batch.addresses[size] = segment.addressOf(entries.offset(entry));
          batch.targets[size] = output.addressOf(placeOf(nextCopied));
          batch.bytes[size++] = entries.recordBytes(entry);
        }
      }
      index.replaceAll(batch.hashes, batch.addresses, batch.targets, size, batch.answers);
      long gone = 0;
      for (int i = 0; i < size; i++) {
        gone += batch.answers[i] ? 0 : batch.bytes[i];
      }
      output.addLiveBytes(-gone);
    } while (size == IndexBatch.ENTRIES_MOST);
  }

  /// Lets go of the entries; not of the segment.
  @Override
  public void close() {
    closer.run();
  }
}

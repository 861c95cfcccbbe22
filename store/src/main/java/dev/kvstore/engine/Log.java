package dev.kvstore.engine;

import dev.kvstore.Durability;
import dev.kvstore.Options;
import dev.kvstore.StoreClosedException;
import dev.kvstore.StoreException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreReadOnlyException;
import dev.kvstore.engine.Workers.Worker;
import dev.kvstore.io.Directory;
import dev.kvstore.io.Preallocation;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.RecordChecksum;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentCopy;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentSealer;
import dev.kvstore.segment.SegmentWriter;
import dev.kvstore.segment.StoreId;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The segments of an open store: which one is appended to, which is next, which are full and wait to
/// be sealed, and the manifest that says so on the disk.
///
/// - Threads: appending happens under [#appendLock]. Segments are made on `store-allocate` and sealed
///   on `store-seal`, so that no caller ever waits inside a file.
/// - Life of a segment: made and listed in the manifest as open; active; full; sealed and listed so;
///   replaced by compaction.
/// - Failure: a segment that cannot be made fails the write that needs it, and the next write tries
///   again with another; so does a manifest that cannot be written under its temporary name. Any other
///   force that fails ends all writing.
final class Log implements GroupCommit.Forceable {
  private static final long FIRST_SEGMENT_BYTES = 1L << 20;
  private static final long STEADY_SEGMENT_BYTES = 16L << 20;
  private static final long PAGE_BYTES = 4096;
  private static final long DELETE_RESERVE_BYTES = 64L << 10;
  private static final long FULL_DISK_SEGMENT_BYTES = 64L << 10;

  /// A segment that lasts longer is no reason to hurry with the next.
  private static final long FILLED_SLOWLY_NANOS = 1_000_000_000;

  /// Fewer bytes between two forces make the next segment one that is forced often.
  private static final long BYTES_PER_FORCE_MIN = 4L << 20;

  private final Directory directory;
  private final StoreId store;
  private final KeyHasher hasher;
  private final Options options;
  private final Environment environment;
  private final SegmentTable segments;
  private final SegmentSealer sealer;
  private final boolean readOnly;
  private final Reserve reserve;

  /// Held for every append: for a few hundred nanoseconds, and for as long as it takes to copy a large
  /// value or batch.
  final AppendLock appendLock = new AppendLock();

  // Guarded by appendLock.
  private @Nullable Segment tail; // closed cleanly and not reopened yet
  private @Nullable CompletableFuture<SegmentWriter> spare;
  private boolean spareMayTap; // whether it was ordered for a write that frees space
  private boolean spareInAdvance; // whether it was ordered before anybody needed it
  // Whether one was not ready when it was needed, and they are still filled fast.
  private boolean hurried;
  private long activeSince; // nano time
  private long syncsAtOrder; // how often the log had been forced when it was ordered
  private @Nullable String whyNoWrites;
  private long markedSequence; // what the last mark in the log says
  private final RecordChecksum markChecksum = new RecordChecksum();

  // Written under appendLock, read by rounds.
  private volatile @Nullable SegmentWriter active;
  private volatile long lastSequence;

  // Full, in the order in which they were appended to; leave when the manifest lists them as
  // sealed.
  private final ConcurrentLinkedQueue<SegmentWriter> full = new ConcurrentLinkedQueue<>();

  // For the thread that seals: those whose mapping for writing has not been closed yet.
  private final List<Segment> sealedBefore = new ArrayList<>();

  // Guarded by this.
  private Manifest manifest;

  private final AtomicLong nextSegment;

  private @Nullable GroupCommit commit; // set once, before the first write
  private Runnable sealedListener = () -> {};

  Log(
      Directory directory,
      Options options,
      Environment environment,
      SegmentTable segments,
      Recovery.Result recovered) {
    this.directory = directory;
    this.options = options;
    this.environment = environment;
    this.segments = segments;
    this.manifest = recovered.manifest();
    this.nextSegment = new AtomicLong(recovered.nextSegment());
    this.tail = recovered.tail();
    this.lastSequence = recovered.lastSequence();
    this.markedSequence = recovered.lastSequence();
    this.store = manifest.store();
    this.hasher = recovered.hasher();
    this.sealer = new SegmentSealer(directory, store, hasher);
    this.reserve = new Reserve(directory);
    this.readOnly = recovered.readOnly();
    if (readOnly) {
      whyNoWrites =
          options.readOnly()
              ? "the store was opened for reading only"
              : "the store is damaged and takes no writes; salvage it into a new one";
    }
  }

  void connect(GroupCommit groupCommit, Runnable onSealed) {
    commit = groupCommit;
    sealedListener = onSealed;
  }

  private GroupCommit commit() {
    GroupCommit connected = commit;
    if (connected == null) {
      throw new IllegalStateException("not connected");
    }
    return connected;
  }

  // ---- Appending; all under appendLock

  /// The writer to append this many bytes to. May release the lock for a while, to wait for a new
  /// segment: look at the index only afterwards.
  ///
  /// @param bytes of records; a mark is added here
  /// @param frees whether the write makes room in the end, so that it may use the space that is kept
  ///     for such writes on a full disk
  SegmentWriter writerFor(long bytes, boolean frees) {
    long needed = bytes + RecordFormat.MARK_BYTES;
    while (true) {
      throwIfNotWritable();
      SegmentWriter writer = active;
      if (writer != null
          && writer.remaining() - (frees ? 0 : setAside(writer.capacity())) >= needed) {
        if (spare == null && isSpareDue(writer)) {
          orderSpare(0, false);
        }
        return writer;
      }
      if (spare == null) {
        orderSpare(needed, frees);
      }
      takeSpare(frees);
    }
  }

  /// Throws what a write gets when the store takes none. Under the append lock.
  void throwIfNotWritable() {
    commit().throwIfFailed();
    if (whyNoWrites == null) {
      return;
    }
    throw readOnly
        ? new StoreReadOnlyException(whyNoWrites)
        : new StoreClosedException(whyNoWrites);
  }

  /// How much of a segment only writes that free space may use.
  private static long setAside(long capacity) {
    return Math.min(DELETE_RESERVE_BYTES, capacity / 16);
  }

  /// Early in large segments, which may be filled while a disk that is busy makes the next one, and when
  /// a write has just had to wait; else small stores stay small.
  private boolean isSpareDue(SegmentWriter writer) {
    long used = writer.capacity() - writer.remaining();
    boolean early = hurried || writer.capacity() >= STEADY_SEGMENT_BYTES;
    return used > writer.capacity() / (early ? 8 : 2);
  }

  private boolean isFilledFast() {
    return active != null && System.nanoTime() - activeSince < FILLED_SLOWLY_NANOS;
  }

  private void orderSpare(long needed, boolean frees) {
    CompletableFuture<SegmentWriter> order = new CompletableFuture<>();
    spare = order;
    spareMayTap = frees;
    spareInAdvance = needed == 0;
    Segment unfinished = tail;
    Preallocation preallocation = preallocation();
    boolean faster = hurried;
    Runnable task =
        () -> {
          try {
            order.complete(
                unfinished == null
                    ? newSegment(needed, frees, faster, preallocation)
                    : reopen(unfinished, needed, frees, preallocation));
          } catch (Throwable e) {
            order.completeExceptionally(e);
          }
        };
    boolean ordered = false;
    try {
      ordered = environment.workers().run(Worker.ALLOCATE, task);
    } finally {
      if (!ordered) {
        spare = null; // nobody would ever complete it
      }
    }
    if (!ordered) {
      throw new StoreClosedException("the store is being closed");
    }
  }

  /// What the next segment is for, by what the one before was used for: a force writes up to a whole
  /// piece more than what was appended, so large pieces pay if a force covers more than one.
  private Preallocation preallocation() {
    long syncs = commit().syncs();
    long forces = syncs - syncsAtOrder;
    syncsAtOrder = syncs;
    SegmentWriter writer = active;
    boolean often =
        writer == null
            ? options.durability() instanceof Durability.Always
            : forces * BYTES_PER_FORCE_MIN > writer.capacity();
    return often ? Preallocation.FORCED_OFTEN : Preallocation.FORCED_RARELY;
  }

  /// Waits for the spare, without the lock, and makes it the active segment, unless somebody else has
  /// done so meanwhile.
  @SuppressWarnings("ReferenceEquality") // the very order
  private void takeSpare(boolean frees) {
    CompletableFuture<SegmentWriter> order = spare;
    if (order == null) {
      return;
    }
    hurried = isFilledFast() && (hurried || !order.isDone());
    if (!order.isDone()) {
      appendLock.unlock();
      try {
        order.exceptionally(e -> null).join();
      } finally {
        appendLock.lock();
      }
    }
    if (spare != order || whyNoWrites != null) {
      return; // taken by somebody else, or left to the close
    }
    spare = null;
    SegmentWriter next;
    try {
      next = Workers.await(order);
    } catch (StoreException e) {
      if (spareInAdvance || (frees && !spareMayTap)) {
        return; // ordered again: there may be room by now, or the reserve to draw on
      }
      // A fresh exception for each write, with the stack of the write.
      throw e instanceof StoreIoException io
          ? new StoreIoException(io.getMessage(), io, io.isNoSpace())
          : e;
    }
    tail = null;
    roll(next);
  }

  private void roll(@Nullable SegmentWriter next) {
    SegmentWriter before = active;
    if (before != null) {
      full.add(before); // before `active` changes: a round reads them in the other order
    }
    active = next;
    activeSince = System.nanoTime();
    if (before != null) {
      environment.workers().run(Worker.SEAL, this::sealFull);
    }
  }

  /// Ends the active segment although it is not full, so that compaction can have it.
  ///
  /// @return whether there was anything in it
  boolean rollOnDemand() {
    appendLock.lock();
    try {
      SegmentWriter writer = active;
      if (whyNoWrites == null && writer == null && tail != null) {
        if (spare == null) {
          orderSpare(0, true);
        }
        takeSpare(true);
        writer = active;
      }
      if (writer == null || writer.segment().end() == SegmentFormat.HEADER_BYTES) {
        return false;
      }
      roll(null);
      return true;
    } finally {
      appendLock.unlock();
    }
  }

  /// Gives a segment back that was made in advance and that nobody writes to, so that a store which has
  /// become small takes little space at once. The next write orders another.
  void dropSpare() {
    appendLock.lock();
    try {
      CompletableFuture<SegmentWriter> ordered = spare;
      if (active == null && tail == null && ordered != null && ordered.isDone()) {
        spare = null;
        if (!ordered.isCompletedExceptionally()) {
          full.add(ordered.join());
          environment.workers().run(Worker.SEAL, this::sealFull);
        }
      }
    } finally {
      appendLock.unlock();
    }
  }

  /// Notes in the log what is durable, if that has grown since the last note. The caller has seen to it
  /// that there is room.
  void markDurable(SegmentWriter writer, long timestampMillis) {
    long durable = commit().durableSequence();
    if (durable > markedSequence) {
      writer.appendMark(durable, timestampMillis, markChecksum);
      markedSequence = durable;
    }
  }

  /// Everything up to here is in the log and in the index.
  void publish(long sequence) {
    lastSequence = sequence;
  }

  /// The last sequence once everything is appended and published that the index shows any of: whoever
  /// saw an entry and then has had the append lock sees its sequence.
  long settledSequence() {
    appendLock.lock();
    try {
      commit().throwIfFailed();
      return lastSequence;
    } finally {
      appendLock.unlock();
    }
  }

  @Override
  public long lastSequence() {
    return lastSequence;
  }

  @Override
  public void force() {
    SegmentWriter current = active; // read before `full`, see roll
    for (SegmentWriter writer : full) {
      writer.force();
    }
    if (current != null) {
      current.force();
    }
  }

  /// Notes in the log what a force has just made durable, so that those it releases are vouched for
  /// even if nothing is written any more and the process is killed. If somebody is appending at this
  /// moment, the next append does it.
  @Override
  public void forced() {
    if (!appendLock.tryLock()) {
      return;
    }
    try {
      SegmentWriter writer = active;
      if (writer != null && whyNoWrites == null && writer.remaining() >= RecordFormat.MARK_BYTES) {
        markDurable(writer, environment.clock().millis());
      }
    } finally {
      appendLock.unlock();
    }
  }

  // ---- Making segments; on store-allocate

  private SegmentWriter newSegment(
      long needed, boolean frees, boolean faster, Preallocation preallocation) {
    long usual = capacityFor(needed, faster);
    try {
      SegmentWriter writer = newSegmentOf(usual, preallocation);
      keepReserve();
      return writer;
    } catch (StoreIoException e) {
      if (!frees || !e.isNoSpace()) {
        throw e;
      }
      return reserve.tapped(Reserve.Use.DELETES, () -> newSegmentOnFullDisk(needed, preallocation));
    }
  }

  /// One that takes several deletes if possible, since each costs more than what is in it.
  private SegmentWriter newSegmentOnFullDisk(long needed, Preallocation preallocation) {
    long least = leastCapacityFor(needed);
    long several = Math.min(FULL_DISK_SEGMENT_BYTES, options.segmentBytesMax());
    if (least < several) {
      try {
        return newSegmentOf(several, preallocation);
      } catch (StoreIoException e) {
        if (!e.isNoSpace()) {
          throw e;
        }
      }
    }
    return newSegmentOf(least, preallocation);
  }

  /// Sees to it that there is a reserve in proportion to the store.
  void keepReserve() {
    reserve.keep(segments.all().stream().mapToLong(Segment::end).sum());
  }

  private static long leastCapacityFor(long needed) {
    long fixed = SegmentFormat.HEADER_BYTES + RecordFormat.SEAL_BYTES;
    return (needed + fixed + PAGE_BYTES - 1) & -PAGE_BYTES;
  }

  private SegmentWriter newSegmentOf(long capacity, Preallocation preallocation) {
    long id = nextSegment.getAndIncrement();
    SegmentWriter writer =
        SegmentWriter.create(
            directory, store, id, capacity, environment.clock().millis(), preallocation);
    try {
      segments.add(writer.segment(), capacity);
      changeManifest(before -> before.withOpened(id));
    } catch (Throwable e) {
      segments.remove(writer.segment());
      takeBack(writer, e);
      throw e;
    }
    return writer;
  }

  private SegmentWriter reopen(
      Segment segment, long needed, boolean frees, Preallocation preallocation) {
    try {
      SegmentWriter writer = reopenUpTo(segment, usualEnd(segment, needed), preallocation);
      keepReserve();
      return writer;
    } catch (StoreIoException e) {
      if (!frees || !e.isNoSpace()) {
        throw e;
      }
      long least =
          (segment.end() + needed + RecordFormat.SEAL_BYTES + PAGE_BYTES - 1) & -PAGE_BYTES;
      return reserve.tapped(Reserve.Use.DELETES, () -> reopenUpTo(segment, least, preallocation));
    }
  }

  private long usualEnd(Segment segment, long needed) {
    return Math.max(
        capacityFor(0, false), segment.end() + needed + RecordFormat.SEAL_BYTES + PAGE_BYTES);
  }

  private SegmentWriter reopenUpTo(Segment segment, long capacity, Preallocation preallocation) {
    boolean goesOn = capacity <= options.segmentBytesMax() && segments.extend(segment, capacity);
    // Too full to go on with, or others lie behind it: only make room for its seal.
    SegmentWriter writer =
        SegmentWriter.reopen(
            directory,
            segment,
            goesOn ? capacity : segment.end() + RecordFormat.SEAL_BYTES,
            preallocation);
    if (preallocation == Preallocation.FORCED_OFTEN) {
      try {
        writer.forceBlocks();
      } catch (Throwable e) {
        // The page where the new blocks begin has records in it that were acknowledged.
        commit().fail(e);
        try {
          writer.abandon();
        } catch (RuntimeException again) {
          e.addSuppressed(again);
        }
        commit().throwIfFailed();
        throw e;
      }
    }
    return writer;
  }

  /// Capacity of a new segment: follows the size of the store, so that small stores stay small and the
  /// room kept in advance is a small part of a large one. While a store only grows, not below what is
  /// filled no faster than the next one is made; where there is garbage, values are overwritten, which is
  /// slower, and smaller segments are compacted at less cost.
  ///
  /// @param faster whether a store that is small is soon to have larger ones
  private long capacityFor(long needed, boolean faster) {
    long bytes = 0;
    long garbage = 0;
    for (Segment segment : segments.all()) {
      bytes += segment.end();
      garbage += segment.garbageBytes();
    }
    long least = garbage > bytes / 8 ? FIRST_SEGMENT_BYTES : STEADY_SEGMENT_BYTES;
    long steady = Math.max(least, Long.highestOneBit(Math.max(1, bytes / 16)));
    long growing =
        Math.max(FIRST_SEGMENT_BYTES, Long.highestOneBit(Math.max(1, faster ? bytes : bytes / 4)));
    long usual = Math.min(options.segmentBytesMax(), Math.min(growing, steady));
    long fixed = SegmentFormat.HEADER_BYTES + RecordFormat.SEAL_BYTES;
    if (needed + fixed + setAside(usual) <= usual) {
      return usual;
    }
    return needed + fixed + DELETE_RESERVE_BYTES + PAGE_BYTES & -PAGE_BYTES;
  }

  /// Begins a segment that compaction writes; neither the manifest nor the table knows it.
  SegmentCopy newCopy() {
    long id = nextSegment.getAndIncrement();
    long now = environment.clock().millis();
    Executor forcer = task -> environment.workers().runOrThrow(Worker.FORCE, task);
    return reserve.tapped(
        Reserve.Use.COPIES,
        () -> SegmentCopy.create(directory, store, id, now, this::copyOnFullDisk, forcer));
  }

  private void copyOnFullDisk(Runnable write) {
    onFullDisk(Reserve.Use.COPIES, write);
  }

  private void onFullDisk(Reserve.Use use, Runnable write) {
    reserve.tapped(
        use,
        () -> {
          write.run();
          return true;
        });
  }

  // ---- Sealing; on store-seal

  private void sealFull() {
    try {
      sealAllFull();
      sealedListener.run();
    } catch (StoreIoException e) {
      if (!e.isNoSpace()) {
        commit().fail(e);
      }
      // Without space they stay as they are, whole and forced when asked for, until the next time.
    } catch (Throwable e) {
      commit().fail(e);
    }
  }

  /// Seals those that are full now, and tells the manifest once.
  private void sealAllFull() {
    sealedBefore.forEach(Segment::closeReplaced);
    sealedBefore.clear();
    List<SegmentWriter> writers = new ArrayList<>();
    List<SealedSegment> summaries = new ArrayList<>();
    for (SegmentWriter writer : List.copyOf(full)) {
      if (commit().failure() != null) {
        return;
      }
      if (!SegmentSealer.hasRecords(writer.segment())) {
        discard(writer);
        full.remove(writer);
        continue;
      }
      writers.add(writer);
      // On a full disk there are better uses for the blocks of a hint.
      summaries.add(sealer.seal(writer, environment.clock().millis(), reserve.isWhole()));
    }
    if (writers.isEmpty()) {
      return;
    }
    onFullDisk(Reserve.Use.MANIFEST, () -> changeManifest(before -> before.withSealed(summaries)));
    for (int i = 0; i < writers.size(); i++) {
      // Only now compaction may take it, and take it out of the manifest.
      writers.get(i).segment().markSealed(summaries.get(i));
      sealedBefore.add(writers.get(i).segment());
      full.remove(writers.get(i));
    }
  }

  /// The first full segment that is not sealed yet; null without one.
  @Nullable Segment oldestUnsealed() {
    SegmentWriter oldest = full.peek();
    return oldest == null ? null : oldest.segment();
  }

  /// Takes a segment without records out of the store.
  private void discard(SegmentWriter writer) {
    Segment segment = writer.segment();
    changeManifest(before -> before.withoutOpen(segment.id()));
    segments.remove(segment);
    writer.abandon();
    segment.retire();
    directory.remove(segment.name());
  }

  /// Removes the file of a segment that did not come into the store, unless the store has failed: then
  /// the manifest on the disk may name it.
  private void takeBack(SegmentWriter writer, Throwable cause) {
    try {
      writer.abandon();
      writer.segment().retire();
      if (commit().failure() == null) {
        directory.remove(writer.segment().name());
      }
    } catch (Throwable e) {
      cause.addSuppressed(e);
    }
  }

  /// Waits until every full segment is sealed, or has failed to be.
  void awaitSealed() {
    CompletableFuture<Void> turn = new CompletableFuture<>();
    boolean coming =
        environment
            .workers()
            .run(
                Worker.SEAL,
                () -> {
                  try {
                    sealFull();
                  } finally {
                    turn.complete(null);
                  }
                });
    if (coming) {
      environment.workers().catchUp();
      turn.join();
    }
  }

  // ---- The manifest

  synchronized Manifest manifest() {
    return manifest;
  }

  private synchronized void changeManifest(UnaryOperator<Manifest> change) {
    Manifest next = change.apply(manifest);
    next.writeNextIn(directory);
    try {
      Manifest.installNextIn(directory);
    } catch (Throwable e) {
      // Which of the two is on the disk is open until the next open reads it.
      commit().fail(e);
      throw e;
    }
    manifest = next;
  }

  /// Puts the outputs of a compaction in the place of its victims; all at once, and durable on return.
  void replace(Set<Long> victims, List<SealedSegment> outputs) {
    onFullDisk(
        Reserve.Use.MANIFEST,
        () -> changeManifest(before -> before.withReplaced(victims, outputs)));
  }

  /// Seals what compaction has written; the manifest does not know it yet. A force that fails here ends
  /// all writing as anywhere else.
  SegmentCopy.Sealed sealCopy(SegmentCopy copy) {
    try {
      return copy.seal(environment.clock().millis());
    } catch (StoreIoException e) {
      if (!e.isNoSpace()) {
        commit().fail(e);
      }
      throw e;
    }
  }

  /// Removes what compaction has written and does not need, unless the store has failed: then the
  /// manifest on the disk may name it.
  ///
  /// @param hint the name of its hint file, if that is there
  void takeBack(SegmentCopy copy, @Nullable String hint, Throwable cause) {
    try {
      copy.close();
      if (commit().failure() == null) {
        directory.remove(copy.name());
        if (hint != null) {
          directory.remove(hint);
        }
        keepReserve();
      }
    } catch (Throwable e) {
      cause.addSuppressed(e);
    }
  }

  StoreId store() {
    return store;
  }

  KeyHasher hasher() {
    return hasher;
  }

  Directory directory() {
    return directory;
  }

  /// The segment that is appended to; null before the first write.
  @Nullable Segment activeSegment() {
    SegmentWriter writer = active;
    return writer == null ? null : writer.segment();
  }

  // ---- The end

  /// Whether the store takes no writes at all, from the beginning.
  boolean isReadOnly() {
    return readOnly;
  }

  /// Refuses writes from now on. Those that wait for a segment wake up and are refused too.
  void refuseWrites(String why) {
    appendLock.lock();
    try {
      if (whyNoWrites == null) {
        whyNoWrites = why;
      }
    } finally {
      appendLock.unlock();
    }
  }

  /// Leaves the directory as a clean close should: nothing that was never used, and a mark that all of
  /// it was durable. Everything has been forced, and nobody appends any more.
  ///
  /// @return the segment that the next open goes on with; null if there is none
  @Nullable Segment closeCleanly() {
    appendLock.lock();
    try {
      return closeCleanlyLocked();
    } finally {
      appendLock.unlock();
    }
  }

  private @Nullable Segment closeCleanlyLocked() {
    CompletableFuture<SegmentWriter> ordered = spare;
    SegmentWriter unused = null;
    if (ordered != null) {
      try {
        unused = Workers.await(ordered);
      } catch (StoreException e) {
        unused = null; // it was never made
      }
    }
    if (unused != null && tail != null) {
      active = unused; // the reopened tail, which nobody has appended to
      unused = null;
    }
    sealAllFull();
    if (unused != null) {
      discard(unused);
    }
    SegmentWriter writer = active;
    if (writer == null) {
      return tail;
    }
    if (!SegmentSealer.hasRecords(writer.segment())) {
      discard(writer);
      return null;
    }
    if (markedSequence < lastSequence && writer.remaining() < RecordFormat.MARK_BYTES) {
      full.add(writer); // a seal says the same as a mark, and its place is kept
      sealAllFull();
      return null;
    }
    if (markedSequence < lastSequence) {
      writer.appendMark(lastSequence, environment.clock().millis(), markChecksum);
      markedSequence = lastSequence;
    }
    writer.cutAndClose();
    return writer.segment();
  }

  /// Lets go of all files without changing anything.
  void abandon() {
    CompletableFuture<SegmentWriter> ordered = spare;
    if (ordered != null && ordered.isDone() && !ordered.isCompletedExceptionally()) {
      ordered.join().abandon();
    }
    full.forEach(SegmentWriter::abandon);
    SegmentWriter writer = active;
    if (writer != null) {
      writer.abandon();
    }
  }
}

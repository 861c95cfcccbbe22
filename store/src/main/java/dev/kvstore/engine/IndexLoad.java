package dev.kvstore.engine;

import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.HintEntries;
import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.Segment;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Fills the index from hint files and from records that were read, on top of what an image has put in.
/// The highest sequence of a key wins, in whatever order its records come.
///
/// The index is loaded shard by shard, each put together on the heap while it is in the cache, see
/// [EntryMerge]. Hint files are sorted by hash, so all of them give their part of a shard at once. Records
/// come in the order of the log: they wait, in 64 ranges of shards, until a range has so many of them that
/// it is worth while to take its shards up; what waits in the end is taken together with the hints.
///
/// - Threads: any number load, each through its own [Loader]; then one calls [#finish].
/// - Lifecycle: [#close] frees what waits.
/// - Memory, off the heap: 24 bytes for each record that waits, at most one for each 8 in the index and
///   a few thousand; 3 bytes for each key. On the heap, 16 bytes for each tombstone that was read from a
///   segment, if it does not only wait.
final class IndexLoad implements AutoCloseable {
  private static final int RANGES = 64;
  private static final int SHARDS_PER_RANGE = HashIndex.SHARDS / RANGES;
  private static final int WAITING_LEAST = 2048;
  private static final int WAITING_SHARE = 8;

  /// Below this, one thread is done before another has started.
  private static final int ENTRIES_FOR_THREADS = 100_000;

  private final HashIndex index;
  private final SegmentTable segments;
  private final Findings findings;
  private final List<EntrySource> hints = new ArrayList<>();
  private final Range[] ranges = new Range[RANGES];
  private boolean records; // whether any may have come

  IndexLoad(HashIndex index, SegmentTable segments, Findings findings) {
    this.index = index;
    this.segments = segments;
    this.findings = findings;
    for (int range = 0; range < RANGES; range++) {
      ranges[range] = new Range(range * SHARDS_PER_RANGE);
    }
  }

  /// Has a segment loaded from its hint file, by [#finish].
  void addHint(Segment segment, HintFile hint) {
    hints.add(EntrySource.of(segment, hint));
  }

  /// What one thread loads through.
  synchronized Loader newLoader() {
    records = true;
    return new Loader();
  }

  /// Loads the hints and what still waits. Nobody loads any more.
  void finish(Workers workers, int threads) {
    if (hints.isEmpty() && !records) {
      return;
    }
    long entries = 0;
    for (EntrySource hint : hints) {
      entries += hint.count();
    }
    for (Range range : ranges) {
      entries += range.waiting();
    }
    AtomicInteger next = new AtomicInteger();
    List<Runnable> tasks = new ArrayList<>();
    for (int task = 0; task < (entries < ENTRIES_FOR_THREADS ? 1 : threads); task++) {
      tasks.add(() -> {
        EntryMerge merge = new EntryMerge(index, segments, findings);
        for (int range = next.getAndIncrement(); range < RANGES; range = next.getAndIncrement()) {
          ranges[range].finish(merge);
        }
      });
    }
    workers.all("store-load", tasks);
  }

  @Override
  public void close() {
    for (Range range : ranges) {
      range.free();
    }
  }

  /// Loads records, one thread's batches of them.
  final class Loader {
    private final EntryMerge merge = new EntryMerge(index, segments, findings);

    /// Takes records that all verify.
    void load(EntryBatch batch) {
      if (batch.count() == 0) {
        return;
      }
      batch.group();
      for (Range range : ranges) {
        range.add(batch, merge);
      }
    }
  }

  /// Some shards, and the records of them that wait.
  private final class Range {
    private final int firstShard;

    // Guarded by this.
    private final List<EntrySource> runs = new ArrayList<>();
    private final Tombstones tombstones = new Tombstones();
    private long inIndex = -1; // not asked yet
    private @Nullable Arena arena; // owned; of the buffer
    private MemorySegment buffer = MemorySegment.NULL;
    private int waiting;

    Range(int firstShard) {
      this.firstShard = firstShard;
    }

    private int endShard() {
      return firstShard + SHARDS_PER_RANGE;
    }

    synchronized int waiting() {
      return waiting;
    }

    synchronized void add(EntryBatch batch, EntryMerge merge) {
      int from = batch.begin(firstShard);
      int count = batch.begin(endShard()) - from;
      if (count == 0) {
        return;
      }
      reserve(waiting + count);
      MemorySegment.copy(
          batch.grouped(),
          from * HintEntries.ENTRY_WORDS,
          buffer,
          ValueLayout.JAVA_LONG,
          (long) waiting * HintEntries.ENTRY_BYTES,
          count * HintEntries.ENTRY_WORDS);
      runs.add(new Run(batch.segment(), waiting, count));
      waiting += count;
      if (waiting >= waitingMost()) {
        inIndex = merge.run(runs, firstShard, endShard(), tombstones);
        runs.clear();
        waiting = 0;
      }
    }

    private long waitingMost() {
      if (inIndex < 0) {
        inIndex = 0;
        for (int shard = firstShard; shard < endShard(); shard++) {
          inIndex += index.shardSize(shard);
        }
      }
      return Math.max(WAITING_LEAST, inIndex / WAITING_SHARE);
    }

    private void reserve(int count) {
      long bytes = (long) count * HintEntries.ENTRY_BYTES;
      if (bytes <= buffer.byteSize()) {
        return;
      }
      Arena larger = Arena.ofShared();
      try {
        MemorySegment copy = larger.allocate(bytes + bytes / 4, Long.BYTES);
        MemorySegment.copy(buffer, 0, copy, 0, (long) waiting * HintEntries.ENTRY_BYTES);
        free();
        arena = larger;
        buffer = copy;
      } catch (Throwable e) {
        larger.close();
        throw e;
      }
    }

    /// Puts in what waits, and what the hints have, and takes the tombstones out.
    synchronized void finish(EntryMerge merge) {
      List<EntrySource> all = new ArrayList<>(runs);
      all.addAll(hints);
      merge.run(all, firstShard, endShard(), null);
      tombstones.removeFrom(index);
      runs.clear();
      waiting = 0;
      free();
    }

    synchronized void free() {
      buffer = MemorySegment.NULL;
      if (arena != null) {
        arena.close();
        arena = null;
      }
    }

    /// What one batch has put into the buffer.
    private final class Run implements EntrySource {
      private final Segment segment;
      private final int from;
      private final int count;

      Run(Segment segment, int from, int count) {
        this.segment = segment;
        this.from = from;
        this.count = count;
      }

      @Override
      public Segment segment() {
        return segment;
      }

      @Override
      public long count() {
        return count;
      }

      @Override
      public long lowerBound(int shard) {
        return 0; // all of them are of the range
      }

      @Override
      public void copy(long first, int entries, long[] target, int at) {
        MemorySegment.copy(
            buffer,
            ValueLayout.JAVA_LONG,
            (from + first) * HintEntries.ENTRY_BYTES,
            target,
            at,
            entries * HintEntries.ENTRY_WORDS);
      }
    }
  }
}

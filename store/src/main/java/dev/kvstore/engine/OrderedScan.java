package dev.kvstore.engine;

import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentBytes;
import dev.kvstore.segment.StretchScanner;
import dev.kvstore.segment.StretchScanner.Found;
import dev.kvstore.segment.StretchScanner.Stretch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Reads segments record by record, stretch by stretch, on several threads.
///
/// Each thread takes the next stretch, reads it, waits for its turn, has the taker say what of it counts,
/// and loads that into the index. Turns come in the order of the stretches, so a taker sees the log as one
/// thread would that reads it alone; but it only has to look at the ends of what others have read.
///
/// Memory, on the heap, for each thread: a buffer, and 52 bytes for each record of a stretch, which is
/// 8 MiB at most: 11 MiB if all records are of the smallest size, 3 MiB with values of 100 bytes.
final class OrderedScan {
  private static final long STRETCH_BYTES_MOST = 8L << 20;
  private static final long STRETCH_BYTES_LEAST = 4L << 10;
  private static final int STRETCHES_USUAL = 16;

  /// Says what of a stretch counts. Called in the order of the stretches, by one thread at a time.
  interface Taker {
    /// Whether nothing that is still to be read counts. May be asked at any time.
    boolean isOver();

    /// @param found what was read; null if nothing was because all was over
    /// @param batch the records in it; leaves those that count, and may add others of the segment
    void take(Stretch stretch, @Nullable Found found, EntryBatch batch);
  }

  private record Part(Stretch stretch, Taker taker) {}

  private final Function<Segment, SegmentBytes> source;
  private final KeyHasher hasher;
  private final IndexLoad load;

  private final List<Part> whole = new ArrayList<>();
  private final List<Part> parts = new ArrayList<>();

  // Guarded by this.
  private int nextPart;
  private int turn;
  private boolean failed;

  /// @param source tells where the bytes of a segment are read from
  /// @param load takes the records that count
  OrderedScan(Function<Segment, SegmentBytes> source, KeyHasher hasher, IndexLoad load) {
    this.source = source;
    this.hasher = hasher;
    this.load = load;
  }

  /// Has a segment read behind those that were added before.
  ///
  /// @param from where a record begins, or the limit
  void add(Segment segment, long from, long limit, boolean isLog, Taker taker) {
    whole.add(new Part(new Stretch(segment, from, true, limit, limit, isLog), taker));
  }

  /// Reads everything that was added since the last time.
  void run(Workers workers, int threads) {
    if (whole.isEmpty()) {
      return;
    }
    long bytes = 0;
    for (Part part : whole) {
      bytes += part.stretch().limit() - part.stretch().from();
    }
    long each =
        Math.clamp(
            Long.highestOneBit(bytes / STRETCHES_USUAL), STRETCH_BYTES_LEAST, STRETCH_BYTES_MOST);
    for (Part part : whole) {
      cut(part, each);
    }
    int tasks = Math.clamp(parts.size(), 1, threads);
    Runnable task = this::takeParts;
    workers.all("store-load", Collections.nCopies(tasks, task));
    clear();
  }

  private synchronized void clear() {
    whole.clear();
    parts.clear();
    nextPart = 0;
    turn = 0;
  }

  private void cut(Part part, long bytes) {
    Stretch all = part.stretch();
    long from = all.from();
    do {
      long to = Math.min(all.limit(), (from / bytes + 1) * bytes);
      Stretch stretch =
          new Stretch(all.segment(), from, from == all.from(), to, all.limit(), all.isLog());
      parts.add(new Part(stretch, part.taker()));
      from = to;
    } while (from < all.limit());
  }

  private void takeParts() {
    StretchScanner scanner = new StretchScanner(hasher);
    EntryBatch batch = new EntryBatch(parts.getFirst().stretch().segment());
    IndexLoad.Loader loader = load.newLoader();
    try {
      for (int number = next(); number >= 0; number = next()) {
        Part part = parts.get(number);
        batch.begin(part.stretch().segment());
        Found found = part.taker().isOver() ? null : read(scanner, part.stretch(), batch);
        if (!awaitTurn(number)) {
          return;
        }
        part.taker().take(part.stretch(), found, batch);
        endTurn();
        loader.load(batch);
      }
    } catch (Throwable e) {
      fail();
      throw e;
    }
  }

  private Found read(StretchScanner scanner, Stretch stretch, EntryBatch batch) {
    try (SegmentBytes bytes = source.apply(stretch.segment())) {
      return scanner.scan(stretch, bytes, batch);
    }
  }

  private synchronized int next() {
    return failed || nextPart == parts.size() ? -1 : nextPart++;
  }

  /// False if another thread has failed, and there is nothing to wait for.
  private synchronized boolean awaitTurn(int number) {
    boolean interrupted = false;
    while (turn != number && !failed) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !failed;
  }

  private synchronized void endTurn() {
    turn++;
    notifyAll();
  }

  private synchronized void fail() {
    failed = true;
    notifyAll();
  }
}

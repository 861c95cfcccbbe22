package dev.kvstore.engine;

import dev.kvstore.StoreIoException;
import dev.kvstore.segment.Segment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Which segment an address lies in.
///
/// Addresses count units of 8 bytes through one 43-bit space of bytes (8 TiB), in which every segment
/// is given a run of chunks of 1 MiB. Runs are handed out upwards and from the beginning again when
/// the end is reached, so that the address of a removed segment is not used again for long.
///
/// Threads: any may look up, without a lock; [#add] and [#remove] exclude each other.
final class SegmentTable {
  private static final int CHUNK_SHIFT = 17; // 2^17 units of 8 bytes: 1 MiB
  private static final long UNITS_PER_CHUNK = 1L << CHUNK_SHIFT;

  /// A class of its own, because every open needs it, and a JVM that has just started takes some
  /// milliseconds to make one from a method reference.
  private static final Comparator<Segment> BY_ID =
      new Comparator<>() {
        @Override
        public int compare(Segment a, Segment b) {
          return Long.compare(a.id(), b.id());
        }
      };

  private static final int CHUNKS_MAX = 1 << (40 - CHUNK_SHIFT);

  private static final long CHUNKS_ANYWAY = 1 << 16;
  private static final long SPREAD_MOST = 16;

  // Replaced as a whole when it grows; elements are published by the replacement of the array or by
  // the release of the index entry that holds an address of theirs.
  private volatile @Nullable Segment[] byChunk = new Segment[64];

  // Replaced as a whole by add and remove, which are rare; asked for all the time.
  private volatile List<Segment> all = List.of();

  // Guarded by this.
  private int nextChunk;

  /// The segment of an address; null if there is none (any more). Any 40-bit number may be asked.
  @Nullable Segment at(long address) {
    @Nullable Segment[] table = byChunk;
    long chunk = address >>> CHUNK_SHIFT;
    return chunk < table.length ? table[(int) chunk] : null;
  }

  /// Gives a segment its addresses. `bytes` is the most it will ever have.
  ///
  /// @throws StoreIoException with [StoreIoException#isNoSpace] if there are none left
  synchronized void add(Segment segment, long bytes) {
    int chunks = chunksFor(bytes);
    int first = freeRun(chunks);
    place(segment, first, chunks);
    nextChunk = first + chunks;
  }

  /// The first chunk that none of these segments can have had, unless the store was far larger once or
  /// somebody lies: a table that reaches so far would take much memory for few segments.
  static long chunksWithin(Collection<Segment> segments) {
    long chunks = segments.stream().mapToLong(segment -> chunksFor(segment.end())).sum();
    return Math.min(CHUNKS_MAX, CHUNKS_ANYWAY + chunks * SPREAD_MOST);
  }

  /// Gives a segment the addresses that it had before.
  ///
  /// @param chunksMost see [#chunksWithin]
  /// @return whether they were free, and not too far off
  synchronized boolean addAt(Segment segment, long bytes, long baseAddress, long chunksMost) {
    long first = baseAddress >>> CHUNK_SHIFT;
    int chunks = chunksFor(bytes);
    if (baseAddress < 0
        || baseAddress % UNITS_PER_CHUNK != 0
        || first + chunks > chunksMost
        || !isFree((int) first, chunks)) {
      return false;
    }
    place(segment, (int) first, chunks);
    nextChunk = Math.max(nextChunk, (int) first + chunks);
    return true;
  }

  /// Makes room for a segment that is to become longer. Its base stays.
  ///
  /// @return whether the chunks behind it were free
  synchronized boolean extend(Segment segment, long bytes) {
    int first = (int) (segment.baseAddress() >>> CHUNK_SHIFT);
    int chunks = chunksFor(bytes);
    for (int chunk = first; chunk < first + chunks; chunk++) {
      if (chunk >= CHUNKS_MAX
          || (chunk < byChunk.length && byChunk[chunk] != null && byChunk[chunk] != segment)) {
        return false;
      }
    }
    place(segment, first, chunks);
    nextChunk = Math.max(nextChunk, first + chunks);
    return true;
  }

  /// Forgets a segment; its addresses lead nowhere from now on.
  synchronized void remove(Segment segment) {
    @Nullable Segment[] table = byChunk;
    long base = segment.baseAddress();
    if (base < 0) {
      return; // it never had any
    }
    for (int chunk = (int) (base >>> CHUNK_SHIFT);
        chunk < table.length && table[chunk] == segment;
        chunk++) {
      table[chunk] = null;
    }
    List<Segment> rest = new ArrayList<>(all);
    rest.remove(segment);
    all = Collections.unmodifiableList(rest);
  }

  /// All segments, by id; as of now, whatever happens to the table later. Costs nothing.
  List<Segment> all() {
    return all;
  }

  private static int chunksFor(long bytes) {
    return Math.toIntExact(((bytes >>> 3) + UNITS_PER_CHUNK - 1) >>> CHUNK_SHIFT);
  }

  private int freeRun(int chunks) {
    for (int from : new int[] {nextChunk, 0}) {
      for (int first = from; first + chunks <= CHUNKS_MAX; first++) {
        if (isFree(first, chunks)) {
          return first;
        }
      }
    }
    throw noRoom(chunks);
  }

  /// As a full disk is told, since it is the same to the caller: that write has not happened, and space
  /// that is given back makes the next one work.
  private static StoreIoException noRoom(int chunks) {
    String message =
        "the store has no room for another segment: it takes 8 TiB, each segment whole MiB of it;"
            + " compact it, or, if its segments are smaller than that, raise segmentBytesMax first";
    return new StoreIoException(
        message, new IllegalStateException("no " + chunks + " MiB in a row are free"), true);
  }

  private boolean isFree(int first, int chunks) {
    for (int chunk = first; chunk < first + chunks && chunk < byChunk.length; chunk++) {
      if (byChunk[chunk] != null) {
        return false;
      }
    }
    return true;
  }

  private void place(Segment segment, int first, int chunks) {
    @Nullable Segment[] table = byChunk;
    if (first + chunks > table.length) {
      table = Arrays.copyOf(table, Math.max(first + chunks, table.length * 2));
    }
    Arrays.fill(table, first, first + chunks, segment);
    segment.placeAt((long) first << CHUNK_SHIFT);
    byChunk = table;
    if (!all.contains(segment)) {
      List<Segment> more = new ArrayList<>(all);
      more.add(segment);
      more.sort(BY_ID);
      all = Collections.unmodifiableList(more);
    }
  }
}

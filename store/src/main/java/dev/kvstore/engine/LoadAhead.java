package dev.kvstore.engine;

import dev.kvstore.index.HashIndex;
import dev.kvstore.index.Interruption;
import dev.kvstore.index.LostMemory;
import dev.kvstore.segment.LittleEndian;
import dev.kvstore.segment.Segment;
import java.lang.foreign.MemorySegment;

/// Loads into the processor's cache what lookups of many keys will look at, so that their waits for
/// memory overlap, which are most of what a lookup takes.
///
/// In passes over all keys, each of few instructions for a key: a processor overlaps the loads that are
/// within a few hundred instructions of each other, no matter which. So the places of all records are
/// worked out first, and then the records are touched, cache line by cache line.
///
/// No answer depends on it: what is not loaded, or is another key's, costs time.
///
/// Threads: one at a time.
final class LoadAhead {
  /// Keys that are worth preparing together: their cache lines fit into the smallest cache.
  static final int KEYS_MAX = 64;

  private static final int CACHE_LINE_BYTES = 64;

  /// Of each record.
  private static final int LINES = 3;

  private final HashIndex index;
  private final SegmentTable segments;
  private final Residency residency;
  private final Interruption interruption = new Interruption();

  // Where the records probably are.
  private final MemorySegment[] logs;
  private final long[] places;
  private final long[] lastPlaces;

  /// Where the folded loads go, so that they are really made.
  @SuppressWarnings("UnusedVariable")
  private long loaded;

  /// @param keysMost how many at a time
  LoadAhead(HashIndex index, SegmentTable segments, Residency residency, int keysMost) {
    this.index = index;
    this.segments = segments;
    this.residency = residency;
    this.logs = new MemorySegment[keysMost];
    this.places = new long[keysMost];
    this.lastPlaces = new long[keysMost];
  }

  /// Loads what lookups of these hashes will look at. Memory that is lost is left to them: they tell whose
  /// record it was, or did not need it.
  ///
  /// What the JVM has to tell of it is told before the loads and after them, so what is told in between is
  /// theirs.
  ///
  /// @param to at most `keysMost` more than `from`
  /// @throws InternalError if memory was lost before
  void load(long[] hashes, int from, int to) {
    assert to - from <= places.length : to - from;
    LostMemory.tellNow();
    interruption.begin();
    try {
      loaded = loadPresent(hashes, from, to);
      LostMemory.tellNow();
    } catch (IllegalStateException closed) {
      interruption.collided(); // a lookup will look again
    } catch (InternalError ours) {
      // As said.
    }
  }

  private long loadPresent(long[] hashes, int from, int to) {
    long folded = 0;
    for (int i = from; i < to; i++) {
      folded ^= index.touch(hashes[i]);
    }
    if (residency.isCold()) {
      return folded; // waits for the disk would not overlap
    }
    int count = findPlaces(hashes, from, to);
    for (int line = 0; line < LINES; line++) {
      folded ^= touchLine(count, (long) line * CACHE_LINE_BYTES);
    }
    return folded;
  }

  private int findPlaces(long[] hashes, int from, int to) {
    int count = 0;
    for (int i = from; i < to; i++) {
      long likely = index.guess(hashes[i]);
      Segment segment = likely == HashIndex.NONE ? null : segments.at(likely);
      if (segment == null) {
        continue;
      }
      MemorySegment log = segment.memory();
      long place = segment.offsetOf(likely);
      long last = Math.min(segment.end(), log.byteSize()) - Long.BYTES;
      if (place <= last) {
        logs[count] = log;
        places[count] = place;
        lastPlaces[count] = last;
        count++;
      }
    }
    return count;
  }

  private long touchLine(int count, long ahead) {
    long folded = 0;
    for (int i = 0; i < count; i++) {
      folded ^= logs[i].get(LittleEndian.LONG, Math.min(places[i] + ahead, lastPlaces[i]));
    }
    return folded;
  }
}

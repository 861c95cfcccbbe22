package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.index.HashIndex;
import dev.kvstore.index.ShardFiller;
import dev.kvstore.segment.HintEntries;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Puts entries of many segments into shards of the index, on top of what is in them; the highest
/// sequence of a key wins.
///
/// No key is looked at before two entries have the same hash, or before one has the same shard and
/// window as a record that was in the index before, whose hash is not known.
///
/// - Threads: one at a time; keep and reuse. Nobody else may use those shards.
/// - Memory, on the heap: 24 bytes for each entry that all sources have in one shard, and what
///   [ShardFiller] takes.
final class EntryMerge {
  private static final int WORDS = HintEntries.ENTRY_WORDS;
  private static final int COPIED_MOST = 1 << 16;

  private final HashIndex index;
  private final SegmentTable segments;
  private final Findings findings;
  private final SameKey sameKey;
  private final ShardFiller filler;

  // By source.
  private List<EntrySource> sources = List.of();
  private long[] next = {}; // entry
  private int[] end = {}; // of its entries among those of the shard
  private long[] liveBytes = {};

  /// The entries of a shard, those of one source after those of another.
  private long[] entries = new long[1 << 10];

  EntryMerge(HashIndex index, SegmentTable segments, Findings findings) {
    this.index = index;
    this.segments = segments;
    this.findings = findings;
    this.sameKey = new SameKey(findings);
    this.filler = new ShardFiller(index);
  }

  /// Puts in what these sources have of these shards.
  ///
  /// @param tombstones takes those that stay in the index, because there may be older records of their
  ///     keys yet; null if there are none, and tombstones go
  /// @return how many entries the shards have then
  long run(List<EntrySource> from, int firstShard, int endShard, @Nullable Tombstones tombstones) {
    begin(from, firstShard);
    long inShards = 0;
    for (int shard = firstShard; shard < endShard; shard++) {
      int count = gather(shard);
      if (count == 0) {
        inShards += index.shardSize(shard);
        continue;
      }
      filler.begin(shard, count);
      for (int source = 0; source < sources.size(); source++) {
        put(source, source == 0 ? 0 : end[source - 1], end[source], tombstones);
      }
      inShards += filler.end();
    }
    for (int source = 0; source < sources.size(); source++) {
      sources.get(source).segment().addLiveBytes(liveBytes[source]);
    }
    return inShards;
  }

  private void begin(List<EntrySource> from, int firstShard) {
    sources = from;
    int count = from.size();
    if (next.length < count) {
      next = new long[count];
      end = new int[count];
      liveBytes = new long[count];
    }
    for (int source = 0; source < count; source++) {
      next[source] = from.get(source).lowerBound(firstShard);
      liveBytes[source] = 0;
    }
  }

  // ---- The entries of a shard

  /// Copies the entries of a shard out of all sources; returns how many there are.
  private int gather(int shard) {
    int count = 0;
    for (int i = 0; i < sources.size(); i++) {
      EntrySource source = sources.get(i);
      // As many as there will be, hashes being uniform, and some more; nearly always enough.
      long usual = Math.min(COPIED_MOST, source.count() / HashIndex.SHARDS * 5 / 4 + 16);
      boolean more = true;
      while (more) {
        int copied = (int) Math.min(usual, source.count() - next[i]);
        ensure(count + copied);
        source.copy(next[i], copied, entries, count * WORDS);
        int ours = countOf(shard, count, copied);
        count += ours;
        next[i] += ours;
        more = ours == usual;
      }
      end[i] = count;
    }
    return count;
  }

  private void ensure(int count) {
    int words = Math.multiplyExact(count, WORDS);
    if (entries.length < words) {
      entries = Arrays.copyOf(entries, words + words / 2);
    }
  }

  /// How many of so many entries, from this one on, belong to a shard; they come first.
  private int countOf(int shard, int from, int count) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (HashIndex.shardOf(entries[(from + middle) * WORDS]) <= shard) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  // ---- Who wins

  private void put(int source, int from, int to, @Nullable Tombstones tombstones) {
    Segment segment = sources.get(source).segment();
    long base = segment.baseAddress();
    long placeMax = segment.end() >>> 3;
    long live = 0;
    for (int entry = from; entry < to; entry++) {
      long hash = entries[entry * WORDS];
      long rest = entries[entry * WORDS + 2];
      long place = HintEntries.placeIn(rest);
      long recordBytes = HintEntries.recordBytesIn(rest);
      boolean delete = HintEntries.isDeleteIn(rest);
      if (place < SegmentFormat.HEADER_BYTES >>> 3 || place + (recordBytes >>> 3) > placeMax) {
        findings.damage(
            new Damage(
                segment.name(), place << 3, recordBytes, "no record can be there", List.of()));
        continue;
      }
      int there = filler.seek(hash);
      if (there != ShardFiller.ABSENT && !wins(source, entry, there)) {
        continue;
      }
      filler.put(base + place, entry, delete && tombstones == null);
      if (!delete) {
        live += recordBytes;
      } else if (tombstones != null) {
        tombstones.add(hash, base + place);
      }
    }
    liveBytes[source] += live;
  }

  /// Whether an entry takes the place that the filler has come to, where it found another with the same
  /// shard and window. Afterwards that is the place of the one that has the same key, or a free one.
  private boolean wins(int source, int entry, int found) {
    for (int there = found; there != ShardFiller.ABSENT; there = filler.seekOn()) {
      if (there == ShardFiller.FROM_BEFORE) {
        Segment other = segments.at(filler.address());
        if (other != null && isSameKey(source, entry, other)) {
          return winsOver(other, entry);
        }
      } else if (isSameKey(source, entry, there)) {
        return winsOver(there, entry);
      }
    }
    return true;
  }

  /// Of two entries, whose hashes and sequences are vouched for.
  private boolean isSameKey(int source, int entry, int there) {
    if (entries[entry * WORDS] != entries[there * WORDS]) {
      return false;
    }
    return sameKey.test(
        sources.get(source).segment(),
        offset(entry),
        sources.get(sourceOf(there)).segment(),
        offset(there));
  }

  private boolean winsOver(int there, int entry) {
    if (entries[there * WORDS + 1] >= entries[entry * WORDS + 1]) {
      return false;
    }
    long rest = entries[there * WORDS + 2];
    if (!HintEntries.isDeleteIn(rest)) {
      liveBytes[sourceOf(there)] -= HintEntries.recordBytesIn(rest);
    }
    return true;
  }

  /// Of an entry and a record that was in the index before, whose sequence only the record can tell.
  private boolean isSameKey(int source, int entry, Segment other) {
    long otherOffset = other.offsetOf(filler.address());
    return sameKey.isIntact(other, otherOffset)
        && sameKey.test(sources.get(source).segment(), offset(entry), other, otherOffset);
  }

  private boolean winsOver(Segment other, int entry) {
    MemorySegment log = other.memory();
    long otherOffset = other.offsetOf(filler.address());
    if (RecordFormat.sequence(log, otherOffset) >= entries[entry * WORDS + 1]) {
      return false;
    }
    if (RecordFormat.kind(log, otherOffset) == RecordFormat.PUT) {
      other.addLiveBytes(-RecordFormat.recordBytes(log, otherOffset));
    }
    return true;
  }

  private long offset(int entry) {
    return HintEntries.placeIn(entries[entry * WORDS + 2]) << 3;
  }

  /// The source that an entry came from: the first one that ends behind it.
  private int sourceOf(int entry) {
    int low = 0;
    int high = sources.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (end[middle] <= entry) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}

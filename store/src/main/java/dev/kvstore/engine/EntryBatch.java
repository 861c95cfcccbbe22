package dev.kvstore.engine;

import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.HintEntries;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.StretchScanner;
import java.util.Arrays;

/// Records of one segment on their way into the index: entries as in a hint file, in the order in which
/// they came, then in the order of their shards.
///
/// - Threads: one at a time; keep and reuse.
/// - Memory, on the heap: 48 bytes for each record it has ever held at once.
final class EntryBatch implements StretchScanner.RecordSink {
  private static final int WORDS = HintEntries.ENTRY_WORDS;

  private Segment segment;
  private long[] entries = new long[64 * WORDS];
  private long[] grouped = {};
  private int count;
  private final int[] begins = new int[HashIndex.SHARDS + 1];

  EntryBatch(Segment segment) {
    this.segment = segment;
  }

  /// Begins anew with records of this segment.
  void begin(Segment of) {
    segment = of;
    count = 0;
  }

  @Override
  public void add(long hash, long sequence, long offset, long recordBytes, boolean delete) {
    int at = count * WORDS;
    if (at == entries.length) {
      entries = Arrays.copyOf(entries, Math.multiplyExact(at, 2));
    }
    entries[at] = hash;
    entries[at + 1] = sequence;
    entries[at + 2] = HintEntries.restOf(offset, recordBytes, delete);
    count++;
  }

  int count() {
    return count;
  }

  /// Forgets all but the first ones.
  void truncate(long size) {
    count = (int) Math.min(count, size);
  }

  Segment segment() {
    return segment;
  }

  /// Puts the records in the order of their shards.
  void group() {
    if (grouped.length < count * WORDS) {
      grouped = new long[entries.length];
    }
    Arrays.fill(begins, 0);
    for (int i = 0; i < count; i++) {
      begins[HashIndex.shardOf(entries[i * WORDS])]++;
    }
    int end = 0;
    for (int shard = 0; shard <= HashIndex.SHARDS; shard++) {
      end += begins[shard];
      begins[shard] = end;
    }
    for (int i = count - 1; i >= 0; i--) {
      int from = i * WORDS;
      int to = --begins[HashIndex.shardOf(entries[from])] * WORDS;
      grouped[to] = entries[from];
      grouped[to + 1] = entries[from + 1];
      grouped[to + 2] = entries[from + 2];
    }
  }

  // ---- Once they are grouped

  /// [HintEntries#ENTRY_WORDS] words for each entry.
  long[] grouped() {
    return grouped;
  }

  /// The number of the first entry of a shard; for the shard after the last one, of all.
  int begin(int shard) {
    return begins[shard];
  }
}

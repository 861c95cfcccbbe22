package dev.kvstore.engine;

import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.Segment;

/// Entries of records of one segment, as a hint file has them, in the order of their shards.
interface EntrySource {
  Segment segment();

  long count();

  /// The first entry of this shard or a later one.
  long lowerBound(int shard);

  /// Copies entries as they are, [dev.kvstore.segment.HintEntries#ENTRY_WORDS] words each, to this word of the target.
  void copy(long first, int entries, long[] target, int at);

  /// Those of a hint file.
  static EntrySource of(Segment segment, HintFile hint) {
    return new EntrySource() {
      @Override
      public Segment segment() {
        return segment;
      }

      @Override
      public long count() {
        return hint.entries().count();
      }

      @Override
      public long lowerBound(int shard) {
        return hint.entries().lowerBound((long) shard << 54);
      }

      @Override
      public void copy(long first, int entries, long[] target, int at) {
        hint.entries().copyTo(target, at, first, entries);
      }
    };
  }
}

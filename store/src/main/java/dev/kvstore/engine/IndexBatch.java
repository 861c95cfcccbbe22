package dev.kvstore.engine;

import dev.kvstore.segment.HintEntries;

/// Entries on their way between a hint and the index, in the order of their hashes, and what becomes of
/// them. In arrays, since they are gone over several times, each time for one thing only: so the waits
/// for memory overlap, and no branch depends on what was waited for.
final class IndexBatch {
  static final int ENTRIES_MOST = 128;

  /// Entries as [HintEntries#copyTo] copies them.
  final long[] words = new long[ENTRIES_MOST * HintEntries.ENTRY_WORDS];

  final long[] hashes = new long[ENTRIES_MOST];
  final long[] addresses = new long[ENTRIES_MOST];
  final long[] targets = new long[ENTRIES_MOST];
  final long[] bytes = new long[ENTRIES_MOST];
  final boolean[] answers = new boolean[ENTRIES_MOST];
}

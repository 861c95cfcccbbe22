package dev.kvstore.engine;

import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.HintEntries;

/// All hashes that begin with the same bits.
///
/// @param number those bits
/// @param bits how many they are; at most as many as name a shard of the index
record HashRange(int number, int bits) {
  private static final int BITS_MOST = Integer.numberOfTrailingZeros(HashIndex.SHARDS);

  /// How many bits to divide by, so that a range holds about so many of the hashes.
  static int bitsFor(long hashes, long inRange) {
    int bits = Long.SIZE - 1 - Long.numberOfLeadingZeros(Math.max(1, hashes / inRange));
    return Math.min(BITS_MOST, bits);
  }

  boolean contains(long hash) {
    // In two steps, because a shift by 64 is none.
    return hash >>> 1 >>> (Long.SIZE - 1 - bits) == number;
  }

  /// Where the entries of this range end, which begin at an index or before it.
  long end(HintEntries entries, long from) {
    boolean last = number + 1 == 1 << bits;
    return last ? entries.count() : entries.lowerBound((number + 1L) << (Long.SIZE - bits), from);
  }
}

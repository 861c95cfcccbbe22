package dev.kvstore.engine;

import dev.kvstore.index.HashIndex;
import java.util.Arrays;

/// Tombstones that are entries of the index for the time of loading, so that an older put that is met
/// later does not bring its key back.
final class Tombstones {
  private long[] hashesAndAddresses = {};
  private int words;

  void add(long hash, long address) {
    if (words == hashesAndAddresses.length) {
      hashesAndAddresses = Arrays.copyOf(hashesAndAddresses, Math.max(64, words * 2));
    }
    hashesAndAddresses[words++] = hash;
    hashesAndAddresses[words++] = address;
  }

  /// Takes out the keys whose newest record they are.
  void removeFrom(HashIndex index) {
    for (int i = 0; i < words; i += 2) {
      index.remove(hashesAndAddresses[i], hashesAndAddresses[i + 1]);
    }
    words = 0;
  }
}

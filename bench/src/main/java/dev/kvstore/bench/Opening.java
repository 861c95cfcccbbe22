package dev.kvstore.bench;

/// What a store is opened for.
///
/// @param durable whether an acknowledged write has to survive power loss; otherwise the death of the
///     process is enough
/// @param keys how many entries there will be, for those that must be sized in advance
/// @param keyBytes the length of each key
/// @param valueBytes the length of each value
/// @param cacheBytes how much memory outside the heap a store may fill with what it caches
record Opening(boolean durable, long keys, int keyBytes, int valueBytes, long cacheBytes) {
  private static final long CACHE_BYTES_MIN = 256L << 20;

  /// A cache that holds everything.
  static Opening inMemory(boolean durable, Data data) {
    return new Opening(
        durable,
        data.keys(),
        data.keyBytes(),
        data.valueBytes(),
        Math.max(CACHE_BYTES_MIN, 2 * data.bytes()));
  }

  /// Bytes of all keys and values.
  long dataBytes() {
    return keys * (keyBytes + valueBytes);
  }

  /// What a store that caches on the heap may take of it. How large the heap is says how much memory
  /// there is for such a store.
  static long heapCacheBytes() {
    return Runtime.getRuntime().maxMemory() / 10 * 6;
  }
}

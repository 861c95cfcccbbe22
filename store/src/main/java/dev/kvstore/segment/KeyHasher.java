package dev.kvstore.segment;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;

/// The hash of a key: XXH3, 64 bits, seeded by the store. Part of the format, because hint files and
/// the index image hold it.
public final class KeyHasher {
  private final Hasher64 hasher;

  public KeyHasher(StoreId store) {
    hasher = Hashing.xxh3_64(store.hashSeed());
  }

  /// The hash of a whole key.
  public long hash(byte[] key) {
    return hasher.hashBytesToLong(key, 0, key.length);
  }

  /// The hash of a key that lies in a larger array.
  public long hash(byte[] bytes, int from, int length) {
    return hasher.hashBytesToLong(bytes, from, length);
  }
}

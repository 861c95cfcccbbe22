package dev.kvstore.index;

import java.util.function.LongUnaryOperator;

/// Keys for tests: small numbers, found in the addresses of their records, so that a matcher needs
/// no memory of its own and rejects whatever a late reader may ask.
///
/// address = key << 16 | version
final class Keys {
  static final int VERSION_BITS = 16;
  private static final long VERSION_MASK = (1L << VERSION_BITS) - 1;

  private Keys() {}

  static long address(long key, long version) {
    return (key << VERSION_BITS) | (version & VERSION_MASK);
  }

  static long key(long address) {
    return address >>> VERSION_BITS;
  }

  static KeyMatcher is(long key) {
    return address -> key(address) == key;
  }

  static long hash(int shard, long window) {
    return ((long) shard << 54) | (window << 30);
  }

  /// A well mixed hash, as the index expects it.
  static long mixed(long key) {
    long z = key * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /// Hashes that put much into one place.
  enum Spread implements LongUnaryOperator {
    MIXED {
      @Override
      public long applyAsLong(long key) {
        return mixed(key);
      }
    },
    ONE_SHARD {
      @Override
      public long applyAsLong(long key) {
        return hash(17, mixed(key) & 0xFFFFFF);
      }
    },
    FEW_WINDOWS {
      @Override
      public long applyAsLong(long key) {
        return hash((int) (key & 1), (mixed(key) & 31) << 19);
      }
    },
    ONE_HASH {
      @Override
      public long applyAsLong(long key) {
        return hash(1023, 0x800000);
      }
    },
    LOWEST_AND_HIGHEST_WINDOW {
      @Override
      public long applyAsLong(long key) {
        return hash(0, (key & 1) * 0xFFFFFF);
      }
    },
    /// Everything belongs to the last bucket and goes around the end of the table.
    AROUND_THE_END {
      @Override
      public long applyAsLong(long key) {
        return hash(5, 0xFFFFFF - (mixed(key) & 0xFFF));
      }
    }
  }
}

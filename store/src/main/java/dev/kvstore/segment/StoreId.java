package dev.kvstore.segment;

import java.util.Locale;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// 128 random bits that every file of a store carries. What must differ from store to store without
/// being guessable from outside is derived from them: the seed of the key hash, and the place masks
/// of record checksums.
public record StoreId(long high, long low) {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  /// A new one.
  public static StoreId random(RandomGenerator random) {
    return new StoreId(random.nextLong(), random.nextLong());
  }

  /// Seed of the key hash, so that nobody outside can make keys that collide.
  public long hashSeed() {
    return mix(high + GOLDEN * mix(low));
  }

  /// What enters the checksum of every record of one segment.
  public long salt(long segmentId) {
    return mix(low + GOLDEN * mix(high ^ segmentId));
  }

  /// The 64-bit finalizer of MurmurHash3 (Austin Appleby): every bit in reaches every bit out.
  static long mix(long bits) {
    long mixed = bits;
    mixed = (mixed ^ (mixed >>> 33)) * 0xFF51AFD7ED558CCDL;
    mixed = (mixed ^ (mixed >>> 33)) * 0xC4CEB9FE1A85EC53L;
    return mixed ^ (mixed >>> 33);
  }

  // As a record's own, which takes milliseconds to make in a JVM that has just started; every file
  // that is opened is compared.
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof StoreId that && high == that.high && low == that.low;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(high ^ low);
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%016x%016x", high, low);
  }
}

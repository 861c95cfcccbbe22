package dev.kvstore.concurrent;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.Options;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/// Keys and self-describing values for tests with many threads.
final class StandingKeys {
  private StandingKeys() {}

  /// Segments so small, and compaction so eager, that all of it moves all the time.
  static Options restless() {
    return Options.builder()
        .durability(Durability.OS)
        .segmentBytesMax(16 << 10)
        .compaction(CompactionPolicy.threshold(8 << 10))
        .build();
  }

  static byte[] key(String family, int number) {
    return (family + number).getBytes(StandardCharsets.US_ASCII);
  }

  /// A value that names its key and its version, and whose every byte follows from them.
  static byte[] value(byte[] key, long version) {
    int size = 16 + (int) ((version * 31 + key.length) & 0x7F);
    byte[] value = new byte[size];
    ByteBuffer.wrap(value).putLong(Arrays.hashCode(key)).putLong(version);
    Arrays.fill(value, 16, size, (byte) (version ^ key[key.length - 1]));
    return value;
  }

  /// The version of a value.
  ///
  /// @throws AssertionError if it is not whole or of another key
  static long version(byte[] key, byte[] value) {
    long version = ByteBuffer.wrap(value).getLong(8);
    if (!Arrays.equals(value, value(key, version))) {
      throw new AssertionError(
          "value of " + new String(key, StandardCharsets.US_ASCII) + ": " + Arrays.toString(value));
    }
    return version;
  }

  static SplittableRandom randomOf(long seed, int thread) {
    SplittableRandom random = new SplittableRandom(seed + thread);
    return random.split();
  }
}

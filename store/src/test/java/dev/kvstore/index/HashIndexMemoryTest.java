package dev.kvstore.index;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HashIndexMemoryTest {
  private static final int CHUNK = 1 << 20;

  @Test
  void neverMoreThan16BytesPerKeyGrowingAndShrinking() {
    try (var index = new HashIndex()) {
      fill(index, 1, 1_000_000);
      for (int key = 1_000_001; key <= 3_000_000; key++) {
        index.insert(Keys.mixed(key), Keys.address(key, 0));
        if (key % 512 == 0) assertLean(index);
      }
      for (int key = 3_000_000; key > 1_000_000; key--) {
        index.remove(Keys.mixed(key), Keys.address(key, 0));
        if (key % 512 == 0) assertLean(index);
      }
      assertLean(index);
    }
  }

  @Test
  void anEmptiedIndexHoldsHardlyAnything() {
    try (var index = new HashIndex()) {
      fill(index, 1, 300_000);
      for (int key = 1; key <= 300_000; key++) {
        assertThat(index.remove(Keys.mixed(key), Keys.address(key, 0))).isTrue();
      }
      assertThat(index.size()).isZero();
      assertThat(index.bytes()).isLessThanOrEqualTo(CHUNK + (64 << 10));
    }
  }

  @Test
  void anIndexThatWasNeverUsedHoldsNothing() {
    try (var index = new HashIndex()) {
      assertThat(index.bytes()).isLessThan(1024);
    }
  }

  @Test
  void anInsertThatGrowsCopiesOneShardAndTakesAtMostOneChunk() {
    try (var index = new HashIndex()) {
      long bytes = index.bytes();
      for (int key = 1; key <= 1_000_000; key++) {
        index.insert(Keys.mixed(key), Keys.address(key, 0));
        if (key % 16 != 0) continue;
        long now = index.bytes();
        assertThat(now - bytes).isLessThan(CHUNK + (64 << 10));
        bytes = now;
      }
      for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
        assertThat(index.shardSize(shard)).isBetween(700, 1300);
      }
    }
  }

  /// The least of several rounds, because the machine may be busy with others.
  @Test
  void noInsertTakesTenMilliseconds() {
    long longest = Long.MAX_VALUE;
    for (int round = 0; round < 20 && longest >= 10_000_000; round++) {
      try (var index = new HashIndex()) {
        longest = Math.min(longest, fill(index, 1, 400_000));
      }
    }
    assertThat(longest).as("longest insert, ns").isLessThan(10_000_000);
  }

  /// Returns the nanoseconds of the longest insert.
  private static long fill(HashIndex index, int from, int to) {
    long longest = 0;
    for (int key = from; key <= to; key++) {
      long begun = System.nanoTime();
      index.insert(Keys.mixed(key), Keys.address(key, 0));
      longest = Math.max(longest, System.nanoTime() - begun);
    }
    return longest;
  }

  private static void assertLean(HashIndex index) {
    assertThat((double) index.bytes() / index.size())
        .as("bytes per key at %d keys", index.size())
        .isLessThanOrEqualTo(16.0);
  }
}

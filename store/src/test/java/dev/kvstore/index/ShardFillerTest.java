package dev.kvstore.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Seed;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class ShardFillerTest {
  private static final int SHARD = 5;

  /// Some keys have the same window, as those of a number and of one a few thousand on.
  private static long hash(long key, int windows) {
    return Keys.hash(SHARD, Keys.mixed(key % windows) & 0xFFFFFF);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 100, 1 << 20})
  void roundsOfAnyKindLeaveWhatAMapHas(int windows) {
    Seed.fresh(random -> {
      Map<Long, Long> model = new HashMap<>();
      try (var index = new HashIndex()) {
        ShardFiller filler = new ShardFiller(index);
        int keys = windows < 100 ? 60 : 3000;
        for (int round = 0; round < 12; round++) {
          round(filler, random, model, keys, windows);
          assertHolds(index, model, keys, windows);
          if (round % 4 == 3) {
            // As any other index afterwards.
            for (Map.Entry<Long, Long> entry : Map.copyOf(model).entrySet()) {
              if (random.nextBoolean()) {
                assertThat(index.remove(hash(entry.getKey(), windows), entry.getValue())).isTrue();
                model.remove(entry.getKey());
              }
            }
            assertHolds(index, model, keys, windows);
          }
        }
      }
    });
  }

  private static void round(
      ShardFiller filler, SplittableRandom random, Map<Long, Long> model, int keys, int windows) {
    int count = random.nextInt(keys);
    long[] numbers = new long[count];
    Map<Long, Boolean> ghosts = new HashMap<>();
    filler.begin(SHARD, count);
    for (int number = 0; number < count; number++) {
      long key = 1L + random.nextInt(keys);
      numbers[number] = key;
      boolean ghost = random.nextInt(4) == 0;
      int there = filler.seek(hash(key, windows));
      while (there != ShardFiller.ABSENT
          && (there == ShardFiller.FROM_BEFORE ? Keys.key(filler.address()) : numbers[there])
              != key) {
        there = filler.seekOn();
      }
      boolean known = model.containsKey(key) || ghosts.getOrDefault(key, false);
      assertThat(there != ShardFiller.ABSENT).isEqualTo(known);
      if (random.nextInt(5) == 0) {
        continue; // what is there is newer
      }
      long address = Keys.address(key, random.nextInt(60_000));
      filler.put(address, number, ghost);
      ghosts.put(key, ghost);
      if (ghost) {
        model.remove(key);
      } else {
        model.put(key, address);
      }
    }
    assertThat(filler.end()).isEqualTo(model.size());
  }

  private static void assertHolds(HashIndex index, Map<Long, Long> model, int keys, int windows) {
    assertThat(index.size()).isEqualTo(model.size());
    assertThat(index.shardSize(SHARD)).isEqualTo(model.size());
    for (long key = 1; key <= keys; key++) {
      long expected = model.getOrDefault(key, HashIndex.NONE);
      assertThat(index.find(hash(key, windows), Keys.is(key))).as("key " + key).isEqualTo(expected);
    }
  }

  @Test
  void whatIsInTheShardIsFoundAndMayBeReplaced() {
    try (var index = new HashIndex()) {
      index.insert(hash(1, 100), Keys.address(1, 1));
      ShardFiller filler = new ShardFiller(index);
      filler.begin(SHARD, 1);
      assertThat(filler.seek(hash(1, 100))).isEqualTo(ShardFiller.FROM_BEFORE);
      assertThat(filler.address()).isEqualTo(Keys.address(1, 1));
      filler.put(Keys.address(1, 2), 0, false);
      assertThat(filler.seek(hash(1, 100))).isZero();
      assertThat(filler.end()).isEqualTo(1);
      assertThat(index.find(hash(1, 100), Keys.is(1))).isEqualTo(Keys.address(1, 2));
    }
  }

  @Test
  void manyRoundsTakeNoMoreThan16BytesForEachEntry() {
    try (var index = new HashIndex()) {
      ShardFiller filler = new ShardFiller(index);
      long key = 0;
      while (key < 1_500_000) {
        int each = (int) Math.max(20, key / HashIndex.SHARDS / 8);
        for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
          filler.begin(shard, each);
          for (int i = 0; i < each; i++) {
            long hash = Keys.hash(shard, Keys.mixed(++key) & 0xFFFFFF);
            while (filler.seek(hash) != ShardFiller.ABSENT) {
              hash = Keys.hash(shard, Keys.mixed(++key) & 0xFFFFFF);
            }
            filler.put(key, i, false);
          }
          filler.end();
        }
        if (index.size() > 1_000_000) {
          assertThat((double) index.bytes() / index.size()).isLessThan(16);
        }
      }
    }
  }
}

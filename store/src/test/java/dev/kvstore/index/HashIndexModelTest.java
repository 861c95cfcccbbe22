package dev.kvstore.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Seed;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Random histories against a map.
class HashIndexModelTest {
  private static final int OPERATIONS = 60_000;
  private static final int KEYS = 3_000;

  private SplittableRandom random = new SplittableRandom(0); // each test has its own
  private final Map<Long, Long> model = new HashMap<>(); // key -> address

  @ParameterizedTest
  @EnumSource
  void answersAsAMapDoes(Keys.Spread spread) {
    Seed.fresh(seeded -> {
      random = seeded;
      answerAsAMapDoes(spread);
    });
  }

  private void answerAsAMapDoes(Keys.Spread spread) {
    int operations = spread == Keys.Spread.ONE_HASH ? OPERATIONS / 6 : OPERATIONS;
    int keys = spread == Keys.Spread.ONE_HASH ? KEYS / 3 : KEYS;
    try (var index = new HashIndex()) {
      for (int i = 0; i < operations; i++) {
        // Long phases of growing and of shrinking, so that tables change their size both ways.
        boolean growing = i / (operations / 6) % 2 == 0;
        step(index, spread, 1 + random.nextInt(keys), growing);
        if (i % (operations / 12) == 0) check(index, spread, keys);
      }
      check(index, spread, keys);
      for (long key : List.copyOf(model.keySet())) {
        assertThat(index.remove(spread.applyAsLong(key), model.remove(key))).isTrue();
      }
      check(index, spread, keys);
      assertThat(index.bytes()).isLessThan(3 << 20);
    }
  }

  private void step(HashIndex index, Keys.Spread spread, long key, boolean growing) {
    long hash = spread.applyAsLong(key);
    Long old = model.get(key);
    long address = Keys.address(key, random.nextLong());
    int choice = random.nextInt(10);
    if (old == null) {
      assertThat(index.find(hash, Keys.is(key))).isEqualTo(HashIndex.NONE);
      assertThat(index.contains(hash, address)).isFalse();
      assertThat(index.remove(hash, address)).isFalse();
      assertThat(index.replace(hash, address, address)).isFalse();
      if (growing || choice == 0) {
        index.insert(hash, address);
        model.put(key, address);
      }
    } else if (choice < 3) {
      boolean right = old != (address ^ 1);
      assertThat(index.replace(hash, address ^ 1, address)).isEqualTo(!right);
      assertThat(index.replace(hash, right ? old : address, address)).isTrue();
      model.put(key, address);
    } else if (!growing || choice == 3) {
      assertThat(index.remove(hash, old)).isTrue();
      assertThat(index.remove(hash, old)).isFalse();
      model.remove(key);
    } else {
      assertThat(index.find(hash, Keys.is(key))).isEqualTo(old);
      assertThat(index.contains(hash, old)).isTrue();
    }
  }

  /// Many at once: entries that are there and others, in the order of hashes and in none, in shards that
  /// change with every entry and in one only.
  @ParameterizedTest
  @EnumSource
  void answersForManyAtOnceAsForEach(Keys.Spread spread) {
    Seed.fresh(seeded -> {
      random = seeded;
      answerForManyAtOnce(spread);
    });
  }

  private void answerForManyAtOnce(Keys.Spread spread) {
    int keys = spread == Keys.Spread.ONE_HASH ? 200 : 2_000;
    try (var index = new HashIndex()) {
      for (long key = 1; key <= keys; key++) {
        long address = Keys.address(key, 0);
        index.insert(spread.applyAsLong(key), address);
        model.put(key, address);
      }
      for (int round = 0; round < 200; round++) {
        manyAtOnce(index, spread, keys, random.nextInt(120), round % 2 == 0);
      }
      check(index, spread, keys);
    }
  }

  private void manyAtOnce(
      HashIndex index, Keys.Spread spread, int keys, int count, boolean inOrder) {
    List<Long> chosen =
        new ArrayList<>(random.longs(count, 1, keys + 1).distinct().boxed().toList());
    if (inOrder) {
      chosen.sort((a, b) -> Long.compareUnsigned(spread.applyAsLong(a), spread.applyAsLong(b)));
    }
    long[] hashes = new long[count];
    long[] expected = new long[count];
    long[] next = new long[count];
    boolean[] answers = new boolean[count];
    for (int i = 0; i < chosen.size(); i++) {
      long key = chosen.get(i);
      hashes[i] = spread.applyAsLong(key);
      expected[i] = model.getOrDefault(key, 0L) ^ (random.nextInt(3) == 0 ? 1 : 0);
      next[i] = Keys.address(key, random.nextLong());
    }
    index.containsAll(hashes, expected, chosen.size(), answers);
    for (int i = 0; i < chosen.size(); i++) {
      assertThat(answers[i]).isEqualTo(model.get(chosen.get(i)) == expected[i]);
    }
    index.replaceAll(hashes, expected, next, chosen.size(), answers);
    for (int i = 0; i < chosen.size(); i++) {
      assertThat(answers[i]).isEqualTo(model.get(chosen.get(i)) == expected[i]);
      if (answers[i]) model.put(chosen.get(i), next[i]);
    }
  }

  private void check(HashIndex index, Keys.Spread spread, int keys) {
    assertThat(index.size()).isEqualTo(model.size());
    for (long key = 1; key <= keys; key++) {
      long expected = model.getOrDefault(key, HashIndex.NONE);
      assertThat(index.find(spread.applyAsLong(key), Keys.is(key))).isEqualTo(expected);
    }
    List<Long> collected = new ArrayList<>();
    long position = HashIndex.START;
    while (position != HashIndex.END) position = index.collect(position, collected::add);
    assertThat(collected).hasSize(model.size());
    assertThat(new HashSet<>(collected)).isEqualTo(new HashSet<>(model.values()));
  }
}

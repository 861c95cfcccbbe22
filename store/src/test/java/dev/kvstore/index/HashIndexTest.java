package dev.kvstore.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/// Single cases, among them what a late reader meets: the matcher plays the other thread, because
/// it runs in the middle of a probe and holds no lock.
class HashIndexTest {
  @Test
  void keysWithEqualHashesAreDifferentEntries() {
    try (var index = new HashIndex()) {
      long hash = Keys.mixed(42);
      for (int key = 1; key <= 100; key++) index.insert(hash, Keys.address(key, 0));
      for (int key = 1; key <= 100; key++) {
        assertThat(index.find(hash, Keys.is(key))).isEqualTo(Keys.address(key, 0));
      }
      assertThat(index.find(hash, Keys.is(101))).isEqualTo(HashIndex.NONE);
    }
  }

  @Test
  void addressesAreOneTo2Pow40Minus1() {
    try (var index = new HashIndex()) {
      long highest = (1L << 40) - 1;
      index.insert(0, highest);
      index.insert(-1, 1);
      assertThat(index.find(0, address -> true)).isEqualTo(highest);
      assertThat(index.find(-1, address -> true)).isEqualTo(1);
      for (long wrong : new long[] {0, -1, highest + 1, Long.MIN_VALUE}) {
        assertThatThrownBy(() -> index.insert(0, wrong))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThat(index.size()).isEqualTo(2);
    }
  }

  @Test
  void whatIsInsertedIfVacantIsThereUnlessSomethingLooksTheSame() {
    try (var index = new HashIndex()) {
      long hash = Keys.hash(3, 77);
      assertThat(index.insertIfVacant(hash, 1)).isTrue();
      assertThat(index.insertIfVacant(hash, 2)).as("its key may be the same").isFalse();
      assertThat(index.insertIfVacant(Keys.hash(4, 77), 3)).isTrue();
      assertThat(index.size()).isEqualTo(2);
      assertThat(index.find(hash, address -> address == 2)).isEqualTo(HashIndex.NONE);
      assertThat(index.find(hash, address -> address == 1)).isEqualTo(1);
    }
  }

  @Test
  void anEntryFarFromHomeIsNotVacant() {
    try (var index = new HashIndex()) {
      // Twenty entries of one home bucket fill it and the next ones.
      for (int key = 1; key <= 20; key++) index.insert(Keys.hash(0, key), key);
      for (int key = 1; key <= 20; key++) {
        assertThat(index.insertIfVacant(Keys.hash(0, key), 100)).as("key " + key).isFalse();
      }
      assertThat(index.insertIfVacant(Keys.hash(0, 21), 21)).isTrue();
      assertThat(index.find(Keys.hash(0, 21), address -> true)).isEqualTo(21);
    }
  }

  @Test
  void theLowestWindowIsTakenForWhatItIs() {
    try (var index = new HashIndex()) {
      long hash =
          Keys.hash(9, 0); // as a word, all of it but the address is zero, like an empty slot
      if (!index.insertIfVacant(hash, 5)) index.insert(hash, 5);
      assertThat(index.find(hash, address -> address == 5)).isEqualTo(5);
      assertThat(index.find(hash, address -> address != 5)).isEqualTo(HashIndex.NONE);
      assertThat(index.contains(hash, 5)).isTrue();
      assertThat(index.contains(hash, 6)).isFalse();
      assertThat(index.replace(hash, 5, 6)).isTrue();
      assertThat(index.remove(hash, 6)).isTrue();
      assertThat(index.size()).isZero();
    }
  }

  @Test
  void aGuessNamesTheEntryThatFindWillAskAbout() {
    try (var index = new HashIndex()) {
      assertThat(index.guess(Keys.mixed(1))).isEqualTo(HashIndex.NONE);
      int right = 0;
      for (int key = 1; key <= 50_000; key++) {
        index.insert(Keys.mixed(key), Keys.address(key, 0));
      }
      for (int key = 1; key <= 50_000; key++) {
        if (index.guess(Keys.mixed(key)) == Keys.address(key, 0)) right++;
      }
      assertThat(right).as("only entries in another bucket are missed").isGreaterThan(40_000);
      index.close();
      assertThat(index.guess(Keys.mixed(1))).isEqualTo(HashIndex.NONE);
    }
  }

  @Test
  void theMatcherIsAskedOnlyAboutEntriesOfTheSameWindow() {
    try (var index = new HashIndex()) {
      for (int key = 1; key <= 300; key++) index.insert(Keys.hash(7, key), key);
      List<Long> asked = new ArrayList<>();
      index.find(Keys.hash(7, 12), address -> !asked.add(address));
      assertThat(asked).containsExactly(12L);
    }
  }

  @Test
  void aReaderWhoseRecordIsReplacedAndGoneMeanwhileFindsTheNewOne() {
    try (var index = new HashIndex()) {
      index.insert(8, 1);
      long found =
          index.find(
              8,
              address -> {
                if (address == 1) index.replace(8, 1, 2);
                return address == 2;
              });
      assertThat(found).isEqualTo(2);
    }
  }

  @Test
  void aReaderFindsAnEntryThatMovesBehindItsBack() {
    try (var index = new HashIndex()) {
      // Nine entries of one window: the ninth stands in the next bucket, until one is removed.
      long hash = Keys.hash(0, 5);
      for (int key = 1; key <= 9; key++) index.insert(hash, key);
      long found =
          index.find(
              hash,
              address -> {
                if (address == 8) index.remove(hash, 1);
                return address == 9;
              });
      assertThat(found).isEqualTo(9);
    }
  }

  @Test
  void aReaderWhoseMemoryIsGivenBackLooksAgain() {
    try (var index = new HashIndex()) {
      int others = 600_000;
      for (int key = 10; key < others; key++) index.insert(inOddShard(key), key);
      // Shard 0 shall have a page of the highest chunk, so the free ones below are taken first.
      for (int shard = 2; shard < HashIndex.SHARDS; shard += 2) index.reserve(shard, 1);
      long hash = Keys.hash(0, 5);
      for (int key = 1; key <= 9; key++) index.insert(hash, key);
      long before = index.bytes();
      long found =
          index.find(
              hash,
              address -> {
                if (address == 1 && index.size() > 9) {
                  for (int key = 10; key < others; key++) index.remove(inOddShard(key), key);
                }
                return address == 9;
              });
      assertThat(found).isEqualTo(9);
      assertThat(index.bytes()).isLessThan(before * 2 / 3);
    }
  }

  @Test
  void whatTheMatcherThrowsReachesTheCaller() {
    try (var index = new HashIndex()) {
      index.insert(8, 1);
      KeyMatcher failing =
          address -> {
            throw new IllegalStateException("segment is closed");
          };
      assertThatThrownBy(() -> index.find(8, failing)).hasMessage("segment is closed");
      assertThat(index.remove(8, 1)).isTrue();
    }
  }

  @Test
  void aSinkThatThrowsLeavesTheShardUnlocked() {
    try (var index = new HashIndex()) {
      index.insert(8, 1);
      assertThatThrownBy(() ->
              index.collect(
                  HashIndex.START,
                  address -> {
                    throw new UnsupportedOperationException();
                  }))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThat(index.remove(8, 1)).isTrue();
    }
  }

  @Test
  void aPositionOutsideTheIndexIsRefused() {
    try (var index = new HashIndex()) {
      for (long wrong : new long[] {HashIndex.END, 1024L << 24, Long.MAX_VALUE}) {
        assertThatThrownBy(() -> index.collect(wrong, address -> {}))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  @Test
  void afterCloseEveryUseThrows() {
    var index = new HashIndex();
    for (int key = 1; key <= 10_000; key++) index.insert(Keys.mixed(key), key);
    index.close();
    index.close();
    var eight = MemorySegment.ofArray(new long[] {1});
    Stream.<ThrowingCallable>of(
            () -> index.find(Keys.mixed(1), address -> true),
            () -> index.contains(Keys.mixed(1), 1),
            () -> index.insert(Keys.mixed(1), 1),
            () -> index.replace(Keys.mixed(1), 1, 2),
            () -> index.remove(Keys.mixed(1), 1),
            () -> index.collect(HashIndex.START, address -> {}),
            () -> index.reserve(0, 1),
            () -> index.exportShard(0, eight, 0),
            () -> index.importShard(0, eight, 0, 1))
        .forEach(use -> assertThatThrownBy(use).isInstanceOf(IllegalStateException.class));
    assertThat(index.size()).isZero();
    assertThat(index.bytes()).isLessThan(1 << 20);
  }

  @Test
  void aReaderUnderWayWhenTheIndexIsClosedIsTold() {
    var index = new HashIndex();
    for (int key = 1; key <= 9; key++) index.insert(0, key);
    assertThatThrownBy(() ->
            index.find(
                0,
                address -> {
                  index.close();
                  return false;
                }))
        .isInstanceOf(IllegalStateException.class);
  }

  private static long inOddShard(long key) {
    return Keys.mixed(key) | (1L << 54);
  }
}

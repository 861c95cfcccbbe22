package dev.kvstore.segment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Seed;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Entries come out sorted and complete, whatever their hashes, and equal hashes cost nothing.
class HintBuilderTest {
  private record Row(long hash, long sequence, long offset, long bytes, boolean delete) {}

  private static Row row(long hash, int number) {
    return new Row(hash, number + 1L, 64 + 8L * number, 40 + 8L * (number % 1000), number % 7 == 3);
  }

  private static void add(HintBuilder builder, Row row) {
    builder.add(row.hash, row.sequence, row.offset, row.bytes, row.delete);
  }

  private static List<Row> rowsOf(HintEntries entries) {
    List<Row> rows = new ArrayList<>();
    for (long i = 0; i < entries.count(); i++) {
      rows.add(
          new Row(
              entries.hash(i),
              entries.sequence(i),
              entries.offset(i),
              entries.recordBytes(i),
              entries.isDelete(i)));
    }
    return rows;
  }

  private static void requireSortedAndComplete(
      int count, long expected, LongUnaryOperator hashes, SplittableRandom random) {
    Set<Row> added = new HashSet<>();
    try (HintBuilder builder = new HintBuilder(expected)) {
      for (int number = 0; number < count; number++) {
        Row row = row(hashes.applyAsLong(random.nextLong()), number);
        added.add(row);
        add(builder, row);
      }
      assertThat(builder.count()).isEqualTo(count);
      List<Row> inRuns = new ArrayList<>();
      builder.forEachRun(run -> inRuns.addAll(rowsOf(run)));
      assertThat(new HashSet<>(inRuns)).isEqualTo(added);
      List<Row> sorted = rowsOf(builder.sorted());
      assertThat(new HashSet<>(sorted)).isEqualTo(added);
      for (List<Row> rows : List.of(inRuns, sorted)) {
        assertThat(rows).hasSize(count);
        for (int i = 1; i < count; i++) {
          assertThat(Long.compareUnsigned(rows.get(i - 1).hash, rows.get(i).hash))
              .isLessThanOrEqualTo(0);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 24, 25, 64, 65, 1000, 4097, 50_000})
  void entriesOfAnyHashesComeOutSortedAndComplete(int count) {
    Seed.fixed(
        count,
        random -> {
          for (long expected : new long[] {0, count, 100_000, 10_000_000}) {
            requireSortedAndComplete(count, expected, bits -> bits, random);
            requireSortedAndComplete(count, expected, bits -> 17, random);
            requireSortedAndComplete(count, expected, bits -> -(bits & 1), random);
            requireSortedAndComplete(count, expected, bits -> bits & 0xFF, random);
            requireSortedAndComplete(
                count, expected, bits -> bits & 0xFF00_0000_0000_00FFL, random);
            requireSortedAndComplete(count, expected, bits -> 1L << bits, random);
            requireSortedAndComplete(
                count, expected, bits -> (bits & 3) == 0 ? bits : (bits & 4) << 40, random);
          }
        });
  }

  @Test
  @Timeout(20) // a sort that moves each over all its equals needs minutes
  void aMillionEntriesOfAHundredHotKeysTakeNoLongerThanOthers() {
    SplittableRandom random = new SplittableRandom(1);
    long[] hot = random.longs(100).toArray();
    try (HintBuilder builder = new HintBuilder(1_000_000)) {
      for (int number = 0; number < 1_000_000; number++) {
        long hash = number % 50 == 0 ? random.nextLong() : hot[random.nextInt(hot.length)];
        builder.add(hash, number, 64, 40, false);
      }
      HintEntries entries = builder.sorted();
      for (long i = 1; i < entries.count(); i++) {
        assertThat(Long.compareUnsigned(entries.hash(i - 1), entries.hash(i))).isNotPositive();
      }
    }
  }

  @Test
  void lowerBoundIsTheSameFromWhereverItIsSearched() {
    SplittableRandom random = new SplittableRandom(2);
    try (HintBuilder builder = new HintBuilder(300)) {
      for (int number = 0; number < 300; number++) {
        add(builder, row(random.nextLong() & 0xFFL << 56, number));
      }
      HintEntries entries = builder.sorted();
      for (int top = 0; top < 256; top++) {
        long wanted = (long) top << 56;
        long bound = entries.lowerBound(wanted);
        assertThat(bound == entries.count() || !isBelow(entries.hash(bound), wanted)).isTrue();
        assertThat(bound == 0 || isBelow(entries.hash(bound - 1), wanted)).isTrue();
        for (long from = 0; from <= bound; from++) {
          assertThat(entries.lowerBound(wanted, from)).isEqualTo(bound);
        }
      }
      assertThat(entries.lowerBound(-1, entries.count())).isEqualTo(entries.count());
    }
  }

  private static boolean isBelow(long hash, long other) {
    return Long.compareUnsigned(hash, other) < 0;
  }
}

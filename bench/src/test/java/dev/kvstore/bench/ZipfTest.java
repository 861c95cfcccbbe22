package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ZipfTest {
  private static final long KEYS = 100_000;
  private static final int DRAWN = 2_000_000;

  @Test
  void ranksFollowTheLaw() {
    int[] counts = new int[(int) KEYS];
    Zipf zipf = Zipf.of(KEYS);
    for (long turn = 0; turn < DRAWN; turn++) {
      counts[zipf.rank(turn)]++;
    }
    double zeta = Zipf.zeta(KEYS);
    // The first two are exact in the method of Gray et al., the others approximate.
    assertThat(counts[0] / (double) DRAWN).isCloseTo(1 / zeta, within(0.001));
    assertThat(counts[1] / (double) DRAWN)
        .isCloseTo(1 / Math.pow(2, Zipf.THETA) / zeta, within(0.001));
    for (int rank : new int[] {10, 100, 1000}) {
      double expected = sum(rank, 2 * rank) / zeta;
      double found = 0;
      for (int i = rank; i < 2 * rank; i++) {
        found += counts[i] / (double) DRAWN;
      }
      assertThat(found).as("ranks from %d", rank).isCloseTo(expected, within(0.1 * expected));
    }
  }

  /// Of the probabilities of ranks, without the common factor.
  private static double sum(int from, int to) {
    double sum = 0;
    for (int rank = from; rank < to; rank++) {
      sum += 1 / Math.pow(rank + 1, Zipf.THETA);
    }
    return sum;
  }

  @Test
  void everyRankIsBelowTheBound() {
    for (long bound : new long[] {2, 1000}) {
      Zipf zipf = Zipf.of(bound);
      for (long turn = 0; turn < 100_000; turn++) {
        assertThat(zipf.rank(turn)).isBetween(0, (int) bound - 1);
      }
    }
  }

  @Test
  void theIntegralContinuesTheSum() {
    long bound = Zipf.ZETA_EXACT + 2_000_000;
    assertThat(Zipf.zeta(bound)).isCloseTo(sum(0, (int) bound), within(1e-9));
  }

  @Test
  void threadsDoNotDrawTheSameRanksOneAfterTheOther() {
    Zipf zipf = Zipf.of(KEYS);
    for (long start :
        new long[] {1L << 39, 1L << 40}) { // those of the warming up, of a second thread
      int same = 0;
      for (long turn = 0; turn < 10_000; turn++) {
        if (zipf.rank(turn) == zipf.rank(start + turn)) {
          same++;
        }
      }
      // Two independent draws agree with the sum of the squares of all probabilities, about 1.5 %.
      assertThat(same).isLessThan(400);
    }
  }
}

package dev.kvstore.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Seed;
import java.lang.foreign.Arena;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// Against a bit set.
class LiveMapTest {
  private static final int UNIT = 8;

  @Test
  void stretchesAndPlacesAreThoseOfABitSet() {
    Seed.fresh(random -> {
      for (int round = 0; round < 200; round++) {
        int units = 1 + random.nextInt(1 << random.nextInt(1, 13));
        compare(units, 1 + random.nextInt(1 << random.nextInt(1, 12)), random);
      }
    });
  }

  private static void compare(int units, int longest, SplittableRandom random) {
    BitSet model = new BitSet();
    try (Arena arena = Arena.ofConfined()) {
      LiveMap map = new LiveMap(arena, (long) units * UNIT);
      for (int at = random.nextInt(3); at < units; ) {
        int size = Math.min(units - at, 1 + random.nextInt(longest));
        if (random.nextInt(3) > 0) {
          model.set(at, at + size);
          map.mark((long) at * UNIT, (long) size * UNIT);
        }
        at += size;
      }
      assertThat(map.count()).isEqualTo((long) model.cardinality() * UNIT);
      long[] offsets = new long[units];
      for (int unit = 0; unit < units; unit++) {
        offsets[unit] = (long) unit * UNIT;
        int live = model.nextSetBit(unit);
        assertThat(map.nextLive(offsets[unit])).isEqualTo((live < 0 ? units : live) * (long) UNIT);
        int dead = Math.min(units, model.nextClearBit(unit));
        assertThat(map.nextDead(offsets[unit])).isEqualTo(dead * (long) UNIT);
      }
      map.toBytesBefore(offsets, units);
      for (int unit = 0; unit < units; unit++) {
        assertThat(offsets[unit]).isEqualTo((long) model.get(0, unit).cardinality() * UNIT);
      }
      assertThat(map.nextLive((long) units * UNIT)).isEqualTo((long) units * UNIT);
      map.clear();
      assertThat(map.count()).isZero();
    }
  }
}

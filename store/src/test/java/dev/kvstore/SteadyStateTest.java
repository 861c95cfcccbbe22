package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What overwriting costs in the long run under the default share of garbage: what is written for each
/// byte put, and how long the log is for each byte that lives. Compaction runs in the writing thread,
/// so that it is always in time and the numbers are the same each time.
@Timeout(120)
class SteadyStateTest {
  private static final int KEYS = 100_000;
  private static final int VALUE_BYTES = 100;
  private static final int RECORD_BYTES = 152;
  private static final double LIVE_BYTES = (double) KEYS * RECORD_BYTES;
  private static final int WARM_UP = 3 * KEYS;
  private static final int MEASURED = 3 * KEYS;

  private final SplittableRandom random = new SplittableRandom(11);

  /// @param written bytes written for each byte put
  /// @param longest bytes of the log for each byte that lives, at the worst moment
  private record Amplification(double written, double longest) {}

  private static byte[] key(int number) {
    return ByteBuffer.allocate(16).putLong(number * 0x9E3779B97F4A7C15L).putInt(number).array();
  }

  private static Amplification overwrite(IntSupplier keys) {
    double ratio =
        CompactionPolicy.DEFAULT instanceof CompactionPolicy.Automatic automatic
            ? automatic.garbageRatio()
            : Double.NaN;
    Options options =
        Options.builder()
            .durability(Durability.OS)
            .compaction(CompactionPolicy.automatic(ratio, 1 << 20))
            .build();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, options);
    byte[] value = new byte[VALUE_BYTES];
    for (int number = 0; number < KEYS; number++) {
      store.put(key(number), value);
    }
    for (int i = 0; i < WARM_UP; i++) {
      store.put(key(keys.getAsInt()), value);
    }
    long copied = store.stats().compactionBytesWritten();
    double longest = 0;
    for (int i = 0; i < MEASURED; i++) {
      store.put(key(keys.getAsInt()), value);
      if (i % 500 == 0) {
        Stats stats = store.stats();
        longest = Math.max(longest, (stats.liveBytes() + stats.garbageBytes()) / LIVE_BYTES);
      }
    }
    copied = store.stats().compactionBytesWritten() - copied;
    assertThat(store.stats().liveBytes()).isEqualTo((long) LIVE_BYTES);
    Simulation.abandon(store);
    disk.discard();
    return new Amplification(1 + copied / ((double) MEASURED * RECORD_BYTES), longest);
  }

  @Test
  void valuesOverwrittenAtRandomAreWrittenTwiceAndTakeHalfAsMuchAgain() {
    Amplification amplification = overwrite(() -> random.nextInt(KEYS));
    assertThat(amplification.written).isBetween(1.5, 2.0);
    assertThat(amplification.longest).isLessThan(1.5);
  }

  @Test
  void valuesOfWhichFewAreOverwrittenMostlyCostHardlyMore() {
    Amplification amplification =
        overwrite(() -> (int) Math.min(KEYS - 1, Math.pow(KEYS, random.nextDouble()) - 1));
    assertThat(amplification.written).isBetween(1.0, 2.1);
    assertThat(amplification.longest).isLessThan(1.5);
  }
}

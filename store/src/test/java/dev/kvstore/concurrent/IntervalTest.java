package dev.kvstore.concurrent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.engine.Workers;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a power loss may take of a store that forces at intervals, in real time and with real threads: the
/// last writes, and none that is older than the interval and one force, which takes no time on this disk.
///
/// A machine that has other things to do may come late with a force, so the bound has some slack, and one
/// attempt of several has to keep it. The slack is less than the interval, and writing goes on for longer
/// than three: a force at every second interval breaks the bound in each attempt.
class IntervalTest {
  private static final Duration INTERVAL = Duration.ofMillis(500);
  private static final Duration SLACK = Duration.ofMillis(400);
  private static final Duration OLDEST = INTERVAL.plus(SLACK);
  private static final Duration WRITING = Duration.ofMillis(1800);
  private static final Duration WAITING = Duration.ofMillis(1000);
  private static final Duration BETWEEN_IMAGES = Duration.ofMillis(80);
  private static final int ATTEMPTS = 5;

  private static final Options OPTIONS =
      Simulation.tiny(Durability.every(INTERVAL)).toBuilder().segmentBytesMax(48 << 10).build();

  /// What the disk held at a moment.
  ///
  /// @param nanos read before the image was taken
  private record Sample(long nanos, DiskImage image) {}

  @Test
  @Timeout(120)
  void powerLossTakesNothingOlderThanTheInterval() {
    Seed.fresh(random -> {
      List<String> tooOld = new ArrayList<>();
      for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        Optional<String> oldest = attempt(random);
        if (oldest.isEmpty()) {
          return;
        }
        tooOld.add(oldest.get());
      }
      throw new AssertionError(
          "lost, although the interval is " + INTERVAL + ", in each attempt:\n" + tooOld);
    });
  }

  /// Writes for a while and takes images; empty if nothing was lost that was too old.
  private static Optional<String> attempt(SplittableRandom random) {
    List<Long> acknowledged = new ArrayList<>();
    List<Sample> samples = new ArrayList<>();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, OPTIONS, InstantSource.system(), Workers.threads());
    long start = System.nanoTime();
    long now = start;
    long lastImage = start;
    while (now - start < WRITING.plus(WAITING).toNanos()) {
      if (now - start < WRITING.toNanos()) {
        store.put("key-" + acknowledged.size(), "value");
        acknowledged.add(System.nanoTime());
      }
      now = System.nanoTime();
      if (now - lastImage >= BETWEEN_IMAGES.toNanos()) {
        samples.add(new Sample(now, disk.image()));
        lastImage = now;
      }
      LockSupport.parkNanos(1_000_000);
    }
    Simulation.kill(store, disk);

    long oldestNanos = 0;
    for (Sample sample : samples) {
      PowerLoss any = PowerLoss.values()[random.nextInt(PowerLoss.values().length)];
      for (PowerLoss mode : List.of(PowerLoss.NONE, any)) {
        int held = heldAfterPowerLoss(sample.image.afterPowerLoss(mode, random));
        assertThat(held).isLessThanOrEqualTo(acknowledged.size());
        if (held < acknowledged.size()) {
          oldestNanos = Math.max(oldestNanos, sample.nanos - acknowledged.get(held));
        }
      }
    }
    System.out.printf(
        Locale.ROOT,
        "IntervalTest: %d writes, %d power losses, the oldest write lost was %d ms old%n",
        acknowledged.size(),
        samples.size(),
        oldestNanos / 1_000_000);
    return oldestNanos <= OLDEST.toNanos()
        ? Optional.empty()
        : Optional.of(Duration.ofNanos(oldestNanos).toMillis() + " ms old");
  }

  /// How many writes there are; they must be the first.
  private static int heldAfterPowerLoss(DiskImage left) {
    SimulatedDirectory disk = left.mount();
    KvStore store = Simulation.open(disk, OPTIONS);
    try {
      int held = Math.toIntExact(store.size());
      for (int number = 0; number < held; number++) {
        assertThat(store.getString("key-" + number)).as("write %d of %d", number, held).isPresent();
      }
      assertThat(store.lastSequence()).isEqualTo(held);
      return held;
    } finally {
      Simulation.kill(store, disk);
    }
  }
}

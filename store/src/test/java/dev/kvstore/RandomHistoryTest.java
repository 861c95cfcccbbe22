package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.engine.Workers;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedClock;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import dev.kvstore.testkit.TortureShare;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Long random lives of a store: writes, reads, compaction, closing, dying, power loss; each answer
/// compared with a map.
class RandomHistoryTest {
  private static final List<Durability> DURABILITIES =
      List.of(Durability.ALWAYS, Durability.every(Duration.ofMillis(1)), Durability.OS);

  @Test
  @Timeout(120)
  void everyAnswerIsThatOfAMap() {
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (System.nanoTime() < end) {
      Seed.fresh(random -> live(random, 12));
    }
  }

  @Test
  @Tag("torture")
  void everyAnswerIsThatOfAMapForALongTime() {
    long end = System.nanoTime() + TortureShare.HISTORIES.duration().toNanos();
    int lives = 0;
    do {
      Seed.fresh(random -> live(random, 60));
      lives++;
    } while (System.nanoTime() - end < 0);
    TortureShare.HISTORIES.report(lives + " lives of 60 sessions");
  }

  private static void live(SplittableRandom random, int sessions) {
    StoreModel model = new StoreModel();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    try {
      boolean powerLoss = false;
      for (int session = 0; session < sessions; session++) {
        KvStore store =
            Simulation.openCold(disk, options(random), new SimulatedClock(), Workers.inline());
        if (powerLoss) {
          model.checkAfterPowerLoss(store);
        } else {
          model.checkAfterKill(store);
        }
        assertThat(store.recovery().damages()).isEmpty();
        ModelledStore modelled = new ModelledStore(store, model, disk);
        work(modelled, disk, random);
        model.checkLive(store);
        powerLoss = random.nextInt(3) == 0;
        disk = end(store, disk, powerLoss, model, random);
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(e + "\n" + model, e);
    } finally {
      disk.discard();
    }
  }

  private static Options options(SplittableRandom random) {
    return Simulation.tiny(DURABILITIES.get(random.nextInt(DURABILITIES.size()))).toBuilder()
        .segmentBytesMax(random.nextInt(4 << 10, 20 << 10))
        .compaction(
            random.nextBoolean()
                ? CompactionPolicy.manual()
                : CompactionPolicy.automatic(
                    random.nextDouble(0.05, 0.9), random.nextInt(20 << 10)))
        .build();
  }

  private static void work(ModelledStore store, SimulatedDirectory disk, SplittableRandom random) {
    for (int steps = random.nextInt(80); steps > 0; steps--) {
      switch (random.nextInt(40)) {
        case 0 -> store.compact();
        case 1 -> store.sync();
        case 2 -> disk.writeBack(random);
        case 3, 4, 5 -> store.read(random);
        default -> store.stepOfAnyKind(random);
      }
    }
  }

  private static SimulatedDirectory end(
      KvStore store,
      SimulatedDirectory disk,
      boolean powerLoss,
      StoreModel model,
      SplittableRandom random) {
    if (!powerLoss && random.nextBoolean()) {
      store.close();
      assertThat(disk.open()).as("left open").isEmpty();
      model.note("closed");
      return disk.restart();
    }
    DiskImage image = disk.image();
    Simulation.abandon(store);
    disk.discard();
    if (!powerLoss) {
      model.note("killed");
      return image.mount();
    }
    PowerLoss mode = PowerLoss.values()[random.nextInt(PowerLoss.values().length)];
    model.note("power loss " + mode);
    return image.afterPowerLoss(mode, random).mount();
  }
}

package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Call;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedCrash;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Crashes at every single call to the disk, of a store at work and of one that is being opened.
@Timeout(300)
class CrashTest {
  private static final int STEPS = 60;

  private static Options options(String durability) {
    return Simulation.tiny(
        switch (durability) {
          case "ALWAYS" -> Durability.ALWAYS;
          case "EVERY" -> Durability.every(Duration.ofMillis(1));
          default -> Durability.OS;
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"ALWAYS", "EVERY", "OS"})
  void aCrashAtAnyCallOfAStoreAtWorkKeepsWhatWasPromised(String durability) {
    Seed.fixed(durability.hashCode(), random -> crashEverywhere(options(durability), random));
  }

  private static void crashEverywhere(Options options, SplittableRandom random) {
    long script = random.nextLong();
    SimulatedDirectory whole = SimulatedDirectory.empty();
    assertThat(isCrashed(whole, options, new StoreModel(), new SplittableRandom(script))).isFalse();
    List<Call> calls = whole.log();
    whole.discard();
    for (Call call : calls) {
      boolean writes = call.operation().equals("write") || call.operation().equals("fillZero");
      for (boolean halfWay : writes ? new boolean[] {false, true} : new boolean[] {false}) {
        StoreModel model = new StoreModel();
        SimulatedDirectory disk = SimulatedDirectory.empty();
        if (halfWay) {
          disk.crashHalfWayAt(call.number());
        } else {
          disk.crashAt(call.number());
        }
        assertThat(isCrashed(disk, options, model, new SplittableRandom(script))).isTrue();
        DiskImage image = disk.image();
        disk.discard();
        survive(image, options, model, random, "crash at " + call);
      }
    }
  }

  /// Works until the end or the crash.
  private static boolean isCrashed(
      SimulatedDirectory disk, Options options, StoreModel model, SplittableRandom random) {
    try {
      for (int session = 0; session < 2; session++) {
        KvStore store = Simulation.open(disk, options);
        try {
          work(new ModelledStore(store, model, disk), random, STEPS / 2);
        } finally {
          close(store, disk);
        }
        model.note("closed");
      }
    } catch (SimulatedCrash e) {
      model.note(e.getMessage());
    }
    return disk.hasCrashed();
  }

  private static void close(KvStore store, SimulatedDirectory disk) {
    try {
      store.close();
    } catch (StoreException e) {
      if (!disk.hasCrashed()) {
        throw e;
      }
    }
    if (disk.hasCrashed()) {
      throw new SimulatedCrash("crashed in or before close");
    }
  }

  private static void work(ModelledStore store, SplittableRandom random, int steps) {
    for (int step = 0; step < steps; step++) {
      store.step(random);
      if (step % 17 == 13) {
        store.sync();
      }
      if (step % 23 == 19) {
        store.compact();
      }
    }
  }

  /// The store opens after the process died, and after the power went, in every way.
  private static void survive(
      DiskImage image, Options options, StoreModel model, SplittableRandom random, String event) {
    reopen(image, options, model.copy(), random, false, event + ", killed");
    for (PowerLoss mode : PowerLoss.values()) {
      if (mode.compareTo(PowerLoss.ALL) > 0 && random.nextInt(5) > 1) {
        continue; // in a while, at another call
      }
      reopen(
          image.afterPowerLoss(mode, random),
          options,
          model.copy(),
          random,
          true,
          event + ", power loss " + mode);
    }
  }

  /// Opens, compares, writes again, loses the power again, and compares again.
  private static void reopen(
      DiskImage image,
      Options options,
      StoreModel model,
      SplittableRandom random,
      boolean powerLoss,
      String event) {
    model.note(event);
    SimulatedDirectory disk = image.mount();
    try {
      KvStore store = Simulation.open(disk, options);
      if (powerLoss) {
        model.checkAfterPowerLoss(store);
      } else {
        model.checkAfterKill(store);
      }
      work(new ModelledStore(store, model), random, random.nextInt(6));
      DiskImage again = disk.image();
      Simulation.abandon(store);
      PowerLoss mode = PowerLoss.values()[random.nextInt(PowerLoss.values().length)];
      model.note("power loss " + mode);
      SimulatedDirectory second = again.afterPowerLoss(mode, random).mount();
      try {
        KvStore last = Simulation.open(second, options);
        model.checkAfterPowerLoss(last);
        Simulation.abandon(last);
      } finally {
        second.discard();
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(event + ": " + e + "\n" + model + "\nfrom\n" + image, e);
    } finally {
      disk.discard();
    }
  }

  @Test
  void aCrashAtAnyCallOfAnOpenAfterACrashLosesNothing() {
    Seed.fixed(
        1,
        random -> {
          for (int round = 0; round < 12; round++) {
            StoreModel model = new StoreModel();
            DiskImage crashed = crashedStore(model, random);
            crashInOpen(crashed, model, random);
          }
        });
  }

  private static DiskImage crashedStore(StoreModel model, SplittableRandom random) {
    Options options = options("OS");
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, options);
    work(new ModelledStore(store, model), random, 20 + random.nextInt(60));
    DiskImage image = disk.image();
    Simulation.abandon(store);
    disk.discard();
    return image;
  }

  private static void crashInOpen(DiskImage image, StoreModel model, SplittableRandom random) {
    Options options = options("ALWAYS");
    boolean crashed = true;
    for (int call = 1; crashed; call++) {
      SimulatedDirectory disk = image.mount().crashAt(call);
      try {
        Simulation.abandon(Simulation.open(disk, options));
        crashed = disk.hasCrashed();
      } catch (SimulatedCrash e) {
        // As told.
      }
      DiskImage after = disk.image();
      disk.discard();
      String event = "second crash at call " + call + " of open";
      reopen(after, options, model.copy(), random, false, event + ", killed");
      PowerLoss mode = PowerLoss.values()[random.nextInt(PowerLoss.values().length)];
      reopen(
          after.afterPowerLoss(mode, random),
          options,
          model.copy(),
          random,
          true,
          event + ", " + mode);
    }
  }

  @Test
  void aClosedStoreIsCompleteAfterPowerLossAtOnce() {
    Seed.fresh(random -> {
      for (PowerLoss mode : PowerLoss.values()) {
        for (String durability : new String[] {"ALWAYS", "EVERY", "OS"}) {
          StoreModel model = new StoreModel();
          SimulatedDirectory disk = SimulatedDirectory.empty();
          KvStore store = Simulation.open(disk, options(durability));
          work(new ModelledStore(store, model), random, 40);
          store.close();
          assertThat(disk.open()).as("left open").isEmpty();
          SimulatedDirectory after = disk.image().afterPowerLoss(mode, random).mount();
          KvStore again = Simulation.open(after, options(durability));
          model.checkAfterKill(again);
          again.close();
          after.discard();
          disk.discard();
        }
      }
    });
  }
}

package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Call;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Fault;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// After a force that failed, the system takes pages for written that are not. The next open sees them,
/// shows what is in them, and must put it on the disk before it says that it is there.
@Timeout(120)
class ReopenAfterFailedForceTest {
  private static final int STEPS = 40;

  /// Segments of many pages, so that not every page is touched again by a seal.
  private static Options options(Durability durability) {
    return Simulation.tiny(durability).toBuilder().segmentBytesMax(64 << 10).build();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatAnOpenAfterAFailedForceShowsSurvivesPowerLoss(boolean always) {
    Options options = options(always ? Durability.ALWAYS : Durability.OS);
    Seed.fixed(
        always ? 1 : 2,
        random -> {
          long script = random.nextLong();
          SimulatedDirectory whole = SimulatedDirectory.empty();
          work(whole, options, new StoreModel(), new SplittableRandom(script));
          List<Call> forces =
              whole.log().stream().filter(call -> call.operation().equals("force")).toList();
          whole.discard();
          int failed = 0;
          for (Call force : forces) {
            SimulatedDirectory disk = SimulatedDirectory.empty();
            disk.failAt(force.number(), Fault.IO_ERROR);
            StoreModel model = new StoreModel();
            try {
              failed += work(disk, options, model, new SplittableRandom(script)) ? 1 : 0;
              openAndLosePower(disk.image(), options, model, random);
            } catch (RuntimeException | AssertionError e) {
              throw new AssertionError(force + ": " + e + "\n" + model, e);
            } finally {
              disk.discard();
            }
          }
          assertThat(failed).as("stores that took no more writes").isGreaterThan(3);
        });
  }

  /// @return whether the store has failed
  private static boolean work(
      SimulatedDirectory disk, Options options, StoreModel model, SplittableRandom random) {
    KvStore store;
    try {
      store = Simulation.open(disk, options);
    } catch (StoreIoException e) {
      return false;
    }
    ModelledStore modelled = new ModelledStore(store, model);
    for (int step = 0; step < STEPS; step++) {
      modelled.stepOfAnyKind(random);
      if (step % 10 == 9) {
        modelled.sync();
      }
    }
    boolean failed = modelled.hasFailed();
    disk.heal();
    // Left as it is: the image is taken of a process that ends here.
    return failed;
  }

  private static void openAndLosePower(
      DiskImage left, Options options, StoreModel model, SplittableRandom random) {
    for (PowerLoss mode : PowerLoss.values()) {
      StoreModel expected = model.copy();
      SimulatedDirectory disk = left.mount();
      KvStore store = Simulation.open(disk, options);
      expected.checkAfterKill(store);
      reopen(disk.image().afterPowerLoss(mode, random), options, expected.copy());
      new ModelledStore(store, expected)
          .change(
              "put after the reopen",
              Map.of("after", Value.of(1)),
              () -> store.withDurability(Durability.ALWAYS).put("after", Value.of(1)) > 0);
      reopen(disk.image().afterPowerLoss(mode, random), options, expected);
      Simulation.kill(store, disk);
    }
  }

  private static void reopen(DiskImage image, Options options, StoreModel expected) {
    SimulatedDirectory disk = image.mount();
    KvStore store = null;
    try {
      store = Simulation.open(disk, options);
      expected.checkAfterPowerLoss(store);
      assertThat(store.recovery().damages()).isEmpty();
    } finally {
      Simulation.kill(store, disk);
    }
  }
}

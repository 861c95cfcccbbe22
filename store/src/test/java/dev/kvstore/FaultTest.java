package dev.kvstore;

import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.testkit.Call;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Fault;
import dev.kvstore.testkit.LogCapture;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Every single call to the disk fails once, of a store at work and of one that is being opened.
@Timeout(300)
class FaultTest {
  private static final int STEPS = 60;
  private static final Options ALWAYS = Simulation.tiny(Durability.ALWAYS);
  private static final Options OS = Simulation.tiny(Durability.OS);

  // ---- At work

  @ParameterizedTest
  @EnumSource
  void afterAnyCallFailedEveryAcknowledgedWriteIsThere(Fault fault) {
    Seed.fixed(fault.ordinal(), random -> failEverywhere(fault, false, random));
  }

  @ParameterizedTest
  @EnumSource(names = {"IO_ERROR", "NO_SPACE_HALF_WAY", "NO_HANDLE"})
  void afterAllCallsFailedFromSomeOnEveryAcknowledgedWriteIsThere(Fault fault) {
    Seed.fixed(fault.ordinal(), random -> failEverywhere(fault, true, random));
  }

  private static void failEverywhere(Fault fault, boolean forEver, SplittableRandom random) {
    long script = random.nextLong();
    SimulatedDirectory whole = SimulatedDirectory.empty();
    work(whole, new StoreModel(), new SplittableRandom(script));
    List<Call> calls = whole.log();
    whole.discard();
    assertThat(calls.stream().map(Call::operation))
        .contains("create", "open", "list", "lock", "size", "read", "write", "fillZero", "cut")
        .contains("force", "map", "rename", "remove");
    for (Call call : calls) {
      if (!fault.hits(call)) {
        continue;
      }
      StoreModel model = new StoreModel();
      SimulatedDirectory disk = SimulatedDirectory.empty();
      if (forEver) {
        disk.failFrom(call.number(), fault);
      } else {
        disk.failAt(call.number(), fault);
      }
      String event = fault + (forEver ? " from " : " at ") + call;
      try {
        work(disk, model, new SplittableRandom(script));
        disk.heal();
        DiskImage image = disk.image();
        PowerLoss mode = PowerLoss.values()[random.nextInt(PowerLoss.values().length)];
        reopen(image, model.copy(), false, event + ", killed");
        reopen(image.afterPowerLoss(PowerLoss.NONE, random), model.copy(), true, event + ", NONE");
        reopen(image.afterPowerLoss(mode, random), model.copy(), true, event + ", " + mode);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError(event + ": " + e + "\n" + model, e);
      } finally {
        disk.discard();
      }
    }
  }

  /// Works until the end, or as long as the store lets it. The second session begins with what the
  /// first has left, so a failed open of it ends the work.
  private static void work(SimulatedDirectory disk, StoreModel model, SplittableRandom random) {
    for (int session = 0; session < 2; session++) {
      KvStore store;
      try {
        store = Simulation.open(disk, ALWAYS);
      } catch (StoreIoException e) {
        model.note("not opened: " + e.getMessage());
        return;
      }
      ModelledStore modelled = new ModelledStore(store, model);
      for (int step = 0; step < STEPS / 2; step++) {
        modelled.step(random);
        if (step % 17 == 13) {
          modelled.sync();
        }
        if (step % 23 == 19) {
          modelled.compact();
        }
      }
      model.checkLive(store);
      requireReadOnlyIfFailed(modelled);
      try {
        store.close();
        assertThat(disk.open()).as("left open").isEmpty();
      } catch (StoreIoException | StoreFailedException e) {
        model.note("close: " + e.getMessage());
        return;
      }
      if (modelled.hasFailed()) {
        return;
      }
    }
  }

  private static void requireReadOnlyIfFailed(ModelledStore modelled) {
    if (!modelled.hasFailed()) {
      return;
    }
    KvStore store = modelled.store();
    assertThat(store.stats().failure()).isNotEmpty();
    assertThat(store.stats().syncsFailed()).isEqualTo(1);
    for (Runnable write :
        List.<Runnable>of(
            () -> store.put("x", "y"),
            () -> store.increment("x", 1),
            () -> store.write(new WriteBatch().put("x", "y")))) {
      assertThatExceptionOfType(StoreFailedException.class).isThrownBy(write::run);
    }
    assertThat(store.contains("x")).as("a refused write shows").isFalse();
  }

  private static void reopen(DiskImage image, StoreModel model, boolean powerLoss, String event) {
    SimulatedDirectory disk = image.mount();
    KvStore store = null;
    try {
      store = Simulation.open(disk, ALWAYS);
      if (powerLoss) {
        model.checkAfterPowerLoss(store);
      } else {
        model.checkAfterKill(store);
      }
      ModelledStore modelled = new ModelledStore(store, model);
      modelled.put("after", Value.of(event));
      model.checkLive(store);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(event + ": " + e + "\nfrom\n" + image, e);
    } finally {
      Simulation.kill(store, disk);
    }
  }

  @Test
  void aFailedForceIsToldToTheWriterAndEndsAllWritingUntilTheNextOpen() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, ALWAYS);
    store.put("before", "acknowledged");
    disk.failWhen(
        call -> call.operation().equals("force") && call.file().endsWith(".seg"), Fault.IO_ERROR);
    List<String> logged =
        LogCapture.during(() ->
            assertThatExceptionOfType(StoreFailedException.class)
                .isThrownBy(() -> store.put("during", "not acknowledged"))
                .withMessageContaining("Input/output error"));
    assertThat(logged)
        .as("told in the log, once, and why")
        .containsOnlyOnce(
            "SEVERE: the store takes no more writes: simulated at "
                + disk.log().getLast()
                + ": Input/output error");
    disk.heal();
    assertThatExceptionOfType(StoreFailedException.class)
        .as("the next force would succeed, and must not be tried")
        .isThrownBy(() -> store.put("after", "refused"));
    assertThat(store.getString("before")).contains("acknowledged");
    assertThat(store.stats().failure()).contains("Input/output error");
    int calls = disk.calls();
    assertThatExceptionOfType(StoreFailedException.class).isThrownBy(store::sync);
    assertThat(disk.log().subList(calls, disk.calls()))
        .noneMatch(call -> call.operation().equals("force"));
    Simulation.abandon(store);
    SimulatedDirectory after =
        disk.image().afterPowerLoss(PowerLoss.ALL, new SplittableRandom(1)).mount();
    KvStore again = Simulation.open(after, ALWAYS);
    assertThat(again.getString("before")).contains("acknowledged");
    assertThat(again.getString("after")).isEmpty();
    again.close();
    after.discard();
    disk.discard();
  }

  /// The file is cut under the mapping that records are written through: what an append has written is
  /// unknown then, and nothing of it can be taken back.
  @Test
  void anAppendThatCannotBeTakenBackEndsAllWritingUntilTheNextOpen() throws IOException {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, OS);
    store.put("sealed", "x".repeat(5000));
    store.compact(); // what is in use now is sealed
    store.put("before", "acknowledged");
    DiskImage whole = disk.image();
    String active =
        whole.files().keySet().stream()
            .filter(n -> n.endsWith(".seg"))
            .max(String::compareTo)
            .orElseThrow();
    try (FileChannel file = FileChannel.open(disk.path().resolve(active), WRITE)) {
      file.truncate(0);
    }
    List<String> logged =
        LogCapture.during(() ->
            assertThatExceptionOfType(StoreIoException.class)
                .isThrownBy(() -> store.put("during", "not acknowledged"))
                .withMessageContaining(active));
    assertThat(logged)
        .anyMatch(line -> line.startsWith("SEVERE: the store takes no more writes: " + active));
    assertThatExceptionOfType(StoreFailedException.class)
        .isThrownBy(() -> store.put("after", "refused"))
        .withMessageContaining(active)
        .withMessageContaining("open it again");
    assertThat(store.stats().failure()).contains(active);
    assertThat(store.getString("sealed")).as("reads go on").contains("x".repeat(5000));
    Simulation.kill(store, disk);

    SimulatedDirectory after = whole.mount();
    KvStore again = Simulation.open(after, OS);
    assertThat(again.getString("before")).contains("acknowledged");
    again.put("after", "works again");
    again.close();
    after.discard();
  }

  /// As the test above, but a manifest that may or may not count.
  @Test
  void aManifestWhoseNameCannotBeForcedEndsAllWritingUntilTheNextOpen() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, OS);
    store.put("before", "acknowledged");
    int calls = disk.calls();
    disk.failWhen(
        call ->
            call.number() > calls
                && (call.operation().equals("rename") && call.file().endsWith(" MANIFEST")),
        Fault.IO_ERROR);
    List<String> logged =
        LogCapture.during(() -> {
          try {
            store.put("large", "x".repeat(5000));
          } catch (StoreIoException e) {
            assertThat(e).hasMessageContaining("Input/output error");
          }
        });
    disk.heal();
    assertThat(logged).anyMatch(line -> line.startsWith("SEVERE: the store takes no more writes"));
    assertThat(store.stats().failure()).contains("Input/output error");
    assertThatExceptionOfType(StoreFailedException.class)
        .isThrownBy(() -> store.put("after", "refused"));
    assertThat(store.getString("before")).contains("acknowledged");
    DiskImage image = disk.image();
    Simulation.kill(store, disk);
    SimulatedDirectory after = image.mount();
    KvStore again = Simulation.open(after, OS);
    assertThat(again.getString("before")).contains("acknowledged");
    again.close();
    after.discard();
  }

  @Test
  void aFullDiskFailsTheWriteAndNothingElseAndWritesGoOnWhenThereIsSpace() {
    Seed.fresh(random -> {
      SimulatedDirectory disk = SimulatedDirectory.empty();
      StoreModel model = new StoreModel();
      KvStore store = Simulation.open(disk, ALWAYS);
      ModelledStore modelled = new ModelledStore(store, model);
      for (int round = 0; round < 20; round++) {
        disk.failWhen(
            call -> Set.of("fillZero", "write", "create").contains(call.operation()),
            round % 2 == 0 ? Fault.NO_SPACE : Fault.NO_SPACE_HALF_WAY);
        for (int step = 0; step < 30; step++) {
          modelled.step(random);
        }
        assertThat(modelled.hasFailed()).as(model.toString()).isFalse();
        model.checkLive(store);
        disk.heal();
        modelled.put("space", Value.of(round));
        assertThat(store.getLong("space")).as("round " + round + model).hasValue(round);
        modelled.compact();
      }
      store.close();
      SimulatedDirectory after = disk.image().afterPowerLoss(PowerLoss.NONE, random).mount();
      KvStore again = Simulation.open(after, ALWAYS);
      model.checkAfterPowerLoss(again);
      again.close();
      after.discard();
      disk.discard();
    });
  }

  // ---- In open

  @Test
  void anOpenThatFailsAtAnyCallChangesNothingAndTheNextHasEverything() {
    Seed.fixed(
        5,
        random -> {
          for (int round = 0; round < 8; round++) {
            for (boolean closed : new boolean[] {false, true}) {
              StoreModel model = new StoreModel();
              failOpenEverywhere(leave(model, closed, random), model);
            }
          }
        });
  }

  private static DiskImage leave(StoreModel model, boolean closed, SplittableRandom random) {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, OS);
    ModelledStore modelled = new ModelledStore(store, model);
    for (int steps = 20 + random.nextInt(40); steps > 0; steps--) {
      modelled.step(random);
    }
    if (closed) {
      store.close();
    }
    DiskImage image = disk.image();
    Simulation.abandon(store);
    disk.discard();
    return image;
  }

  private static void failOpenEverywhere(DiskImage image, StoreModel model) {
    SimulatedDirectory whole = image.mount();
    Simulation.open(whole, ALWAYS);
    List<Call> calls = whole.log();
    whole.discard();
    for (Fault fault : Fault.values()) {
      for (Call call : calls) {
        if (!fault.hits(call)) {
          continue;
        }
        SimulatedDirectory disk = image.mount().failAt(call.number(), fault);
        try {
          openWithFault(disk, image, model.copy(), call);
        } catch (RuntimeException | AssertionError e) {
          throw new AssertionError(
              fault + " at " + call + " of open: " + e + "\nfrom\n" + image, e);
        } finally {
          disk.discard();
        }
      }
    }
  }

  private static void openWithFault(
      SimulatedDirectory disk, DiskImage before, StoreModel model, Call call) {
    KvStore store;
    try {
      store = Simulation.open(disk, ALWAYS);
    } catch (StoreIoException e) {
      assertThat(disk.open()).as("left open").isEmpty();
      if (disk.log().stream().noneMatch(FaultTest::changes)) {
        requireSame(before, disk.image());
      }
      requireNothingCut(before, disk.image());
      disk.heal();
      store = Simulation.open(disk, ALWAYS);
    }
    model.checkAfterKill(store);
    assertThat(store.recovery().damages()).isEmpty();
    store.close();
  }

  private static boolean changes(Call call) {
    return Set.of("create", "write", "fillZero", "cut", "rename", "remove")
        .contains(call.operation());
  }

  private static void requireSame(DiskImage before, DiskImage after) {
    assertThat(after.files().keySet()).isEqualTo(before.files().keySet());
    after
        .files()
        .forEach((name, content) ->
            assertThat(Arrays.equals(content, before.files().get(name))).as(name).isTrue());
  }

  /// What an open that failed leaves of a segment begins with all records that were in it.
  private static void requireNothingCut(DiskImage before, DiskImage after) {
    for (Map.Entry<String, byte[]> file : after.files().entrySet()) {
      byte[] old = before.files().get(file.getKey());
      if (old != null && file.getKey().endsWith(".seg")) {
        int end = old.length;
        while (end > 0 && old[end - 1] == 0) {
          end--;
        }
        assertThat(file.getValue().length).as(file.getKey()).isGreaterThanOrEqualTo(end);
        assertThat(Arrays.mismatch(file.getValue(), 0, end, old, 0, end))
            .as(file.getKey())
            .isEqualTo(-1);
      }
    }
  }
}

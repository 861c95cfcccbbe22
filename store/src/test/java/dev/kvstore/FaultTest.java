package dev.kvstore;

import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.engine.Inspection;
import dev.kvstore.engine.Workers;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.testkit.Call;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Fault;
import dev.kvstore.testkit.LogCapture;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedClock;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every single call to the disk fails once, of a store at work and of one that is being opened.
@Timeout(300)
class FaultTest {
  private static final int STEPS = 60;
  private static final Options ALWAYS = Simulation.tiny(Durability.ALWAYS);
  private static final String CREATES_SEGMENT = ".*create [0-9]+\\.seg";
  private static final Options OS = Simulation.tiny(Durability.OS);

  // ---- At work

  @ParameterizedTest
  @EnumSource
  void afterAnyCallFailedEveryAcknowledgedWriteIsThere(Fault fault) {
    Seed.fixed(fault.ordinal(), random -> failEverywhere(fault, false, ALWAYS, random));
  }

  @ParameterizedTest
  @EnumSource
  void afterAnyCallFailedOfAStoreThatDoesNotWaitEveryPromisedWriteIsThere(Fault fault) {
    Seed.fixed(fault.ordinal(), random -> failEverywhere(fault, false, OS, random));
  }

  @ParameterizedTest
  @EnumSource
  void afterAllCallsFailedFromSomeOnEveryAcknowledgedWriteIsThere(Fault fault) {
    Seed.fixed(fault.ordinal(), random -> failEverywhere(fault, true, ALWAYS, random));
  }

  /// One after the other of the calls fails, or all from it on; of those of a store that does not wait,
  /// every force and a third of the rest.
  private static void failEverywhere(
      Fault fault, boolean forEver, Options options, SplittableRandom random) {
    long script = random.nextLong();
    SimulatedDirectory whole = SimulatedDirectory.empty();
    work(whole, options, new StoreModel(), new SplittableRandom(script));
    List<Call> calls = whole.log();
    whole.discard();
    assertThat(calls.stream().map(Call::operation))
        .contains("create", "open", "list", "lock", "size", "read", "write", "fillZero", "cut")
        .contains("force", "map", "rename", "remove");
    for (Call call : calls) {
      boolean chosen = options == ALWAYS || isForce(call) || random.nextInt(3) == 0;
      if (!chosen || !fault.hits(call)) {
        continue;
      }
      StoreModel model = new StoreModel();
      SimulatedDirectory disk = SimulatedDirectory.empty();
      disk.arriveInFailedForces(random.split(), random.nextInt(3) / 2.0);
      if (forEver) {
        disk.failFrom(call.number(), fault);
      } else {
        disk.failAt(call.number(), fault);
      }
      String event = fault + (forEver ? " from " : " at ") + call;
      try {
        work(disk, options, model, new SplittableRandom(script));
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
  private static void work(
      SimulatedDirectory disk, Options options, StoreModel model, SplittableRandom random) {
    for (int session = 0; session < 2; session++) {
      KvStore store;
      try {
        store = Simulation.open(disk, options);
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
      boolean takesWrites = store.stats().failure().isEmpty();
      try {
        store.close();
        assertThat(disk.open()).as("left open").isEmpty();
        if (takesWrites) {
          model.allDurable();
        }
      } catch (StoreIoException | StoreFailedException e) {
        model.note("close: " + e.getMessage());
        return;
      }
      if (modelled.hasFailed()) {
        return;
      }
    }
  }

  private static boolean isForce(Call call) {
    return call.operation().equals("force");
  }

  private static void requireReadOnlyIfFailed(ModelledStore modelled) {
    if (!modelled.hasFailed()) {
      return;
    }
    KvStore store = modelled.store();
    assertThat(store.stats().failure()).isNotEmpty();
    assertThat(store.stats().syncsFailed()).isBetween(0L, 1L); // other failures end writing too
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

  /// The file is emptied under the mapping that records are written through: what an append has written
  /// is unknown then, and nothing of it can be taken back. What was acknowledged in it is gone, and the
  /// next open says so.
  @Test
  void anAppendThatCannotBeTakenBackEndsAllWritingUntilTheNextOpen() throws IOException {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, OS);
    store.put("sealed", "x".repeat(5000));
    store.compact(); // what is in use now is sealed
    store.put("before", "acknowledged");
    String active = activeSegment(disk);
    cutFromOutside(disk, active, 0);
    requireEndOfWriting(store, active, "x");
    assertThat(store.getString("sealed")).as("reads go on").contains("x".repeat(5000));
    DiskImage left = disk.image();
    Simulation.kill(store, disk);

    SimulatedDirectory refused = left.mount();
    assertThatExceptionOfType(StoreCorruptionException.class)
        .isThrownBy(() -> Simulation.open(refused, OS))
        .withMessageContaining(active);
    requireSame(left, refused.image());
    refused.discard();
    SimulatedDirectory after = left.mount();
    KvStore rest =
        Simulation.open(after, OS.toBuilder().damagePolicy(DamagePolicy.SERVE_REST).build());
    assertThat(rest.recovery().damages()).extracting(Damage::file).contains(active);
    assertThat(rest.getString("sealed")).contains("x".repeat(5000));
    assertThat(rest.getString("during")).isEmpty();
    assertThatExceptionOfType(StoreReadOnlyException.class)
        .isThrownBy(() -> rest.put("after", "refused"));
    rest.close();
    after.discard();
  }

  /// The same where only room behind the last record is gone, or all but the page it ends in: of the
  /// append that met the end nothing may be left, and all before it is there.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anAppendBehindTheEndOfACutFileIsForgottenByTheNextOpen(boolean atPage) throws IOException {
    Options roomy = OS.toBuilder().segmentBytesMax(64 << 10).build();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, roomy);
    store.put("before", "acknowledged");
    String active = activeSegment(disk);
    byte[] content = disk.image().files().get(active);
    int end = content.length;
    while (content[end - 1] == 0) {
      end--;
    }
    cutFromOutside(disk, active, atPage ? 4096 : (end + 7) & -8);
    requireEndOfWriting(store, active, "x".repeat(10_000));
    DiskImage left = disk.image();
    Simulation.kill(store, disk);

    SimulatedDirectory after = left.mount();
    KvStore again = Simulation.open(after, roomy);
    assertThat(again.recovery().outcome()).isEqualTo(RecoveryReport.Outcome.RECOVERED);
    assertThat(again.recovery().damages()).isEmpty();
    assertThat(again.getString("before")).contains("acknowledged");
    assertThat(again.size()).isEqualTo(1);
    again.put("after", "works again");
    again.close();
    after.discard();
  }

  /// The newest segment there is a file of.
  private static String activeSegment(SimulatedDirectory disk) {
    return disk.image().files().keySet().stream()
        .filter(n -> n.endsWith(".seg"))
        .max(String::compareTo)
        .orElseThrow();
  }

  private static void cutFromOutside(SimulatedDirectory disk, String name, long size)
      throws IOException {
    try (FileChannel file = FileChannel.open(disk.path().resolve(name), WRITE)) {
      file.truncate(size);
    }
  }

  private static void requireEndOfWriting(KvStore store, String active, String value) {
    List<String> logged =
        LogCapture.during(() ->
            assertThatExceptionOfType(StoreIoException.class)
                .isThrownBy(() -> store.put("during", value))
                .withMessageContaining(active));
    assertThat(logged)
        .anyMatch(line -> line.startsWith("SEVERE: the store takes no more writes: " + active));
    assertThatExceptionOfType(StoreFailedException.class)
        .isThrownBy(() -> store.put("after", "refused"))
        .withMessageContaining(active)
        .withMessageContaining("open it again");
    assertThat(store.stats().failure()).contains(active);
  }

  /// A manifest that may or may not count: it could not be renamed, or was and an error was told.
  @ParameterizedTest
  @EnumSource(names = {"IO_ERROR", "IO_ERROR_AFTERWARDS", "NO_SPACE"})
  void aManifestThatCannotBeRenamedEndsAllWritingUntilTheNextOpen(Fault fault) {
    failManifest(fault, (disk, call) -> installsManifest(call));
  }

  /// The same where it was renamed and the directory could not be forced.
  @ParameterizedTest
  @EnumSource(names = {"IO_ERROR", "NO_SPACE", "NO_HANDLE"})
  void aManifestWhoseNameCannotBeForcedEndsAllWritingUntilTheNextOpen(Fault fault) {
    failManifest(
        fault,
        (disk, call) ->
            call.operation().equals("force")
                && call.file().equals(".")
                && installsManifest(disk.log().get(call.number() - 2)));
  }

  private static boolean installsManifest(Call call) {
    return call.operation().equals("rename") && call.file().endsWith(" to " + Manifest.NAME);
  }

  private static void failManifest(Fault fault, BiPredicate<SimulatedDirectory, Call> atThisCall) {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, ALWAYS);
    store.put("before", "acknowledged");
    byte[] old = disk.image().files().get(Manifest.NAME);
    int calls = disk.calls();
    disk.failWhen(call -> call.number() > calls && atThisCall.test(disk, call), fault);
    List<String> logged =
        LogCapture.during(() ->
            assertThatExceptionOfType(StoreIoException.class)
                .isThrownBy(() -> store.put("large", "x".repeat(5000)))
                .withMessageContaining(fault.reason()));
    assertThat(disk.failures()).isEqualTo(1);
    disk.heal();
    assertThat(logged)
        .containsOnlyOnce(
            "SEVERE: the store takes no more writes: simulated at "
                + disk.log().stream()
                    .filter(call -> call.number() > calls && atThisCall.test(disk, call))
                    .findFirst()
                    .orElseThrow()
                + ": "
                + fault.reason());
    assertThat(store.stats().failure()).contains(fault.reason());
    assertThatExceptionOfType(StoreFailedException.class)
        .isThrownBy(() -> store.put("after", "refused"));
    assertThat(store.getString("before")).contains("acknowledged");
    DiskImage left = disk.image();
    Simulation.kill(store, disk);

    byte[] renamed = left.files().get(Manifest.NAME);
    byte[] next = Arrays.equals(renamed, old) ? left.files().get(Manifest.NEXT_NAME) : renamed;
    SplittableRandom random = new SplittableRandom(3);
    for (DiskImage state :
        List.of(
            left,
            left.afterPowerLoss(PowerLoss.NONE, random),
            left.afterPowerLoss(PowerLoss.ALL, random))) {
      requireBefore(state);
      requireBefore(state.with(Manifest.NAME, old));
      requireBefore(state.with(Manifest.NAME, next));
    }
  }

  private static void requireBefore(DiskImage image) {
    SimulatedDirectory disk = image.mount();
    for (int open = 0; open < 2; open++) {
      KvStore store = Simulation.open(disk, ALWAYS);
      assertThat(store.recovery().damages()).isEmpty();
      assertThat(store.getString("before")).contains("acknowledged");
      assertThat(store.contains("large")).as("a write that was refused").isFalse();
      assertThat(store.getString("again").isPresent()).isEqualTo(open > 0);
      store.put("again", "x".repeat(5000));
      store.close();
    }
    disk.discard();
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
        int failures = disk.failures();
        for (int step = 0; step < 30; step++) {
          modelled.step(random);
        }
        assertThat(disk.failures()).as("failures of round " + round).isGreaterThan(failures);
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

  /// The last segment of a store that was closed gets new blocks behind its records, which were
  /// acknowledged: a force that fails there is as bad as any.
  @ParameterizedTest
  @EnumSource(names = {"IO_ERROR", "NO_SPACE"})
  void aForceThatFailsWhenASegmentIsGoneOnWithEndsAllWriting(Fault fault) {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore first = Simulation.open(disk, ALWAYS);
    first.put("before", "acknowledged");
    first.close();
    KvStore store = Simulation.open(disk, ALWAYS);
    disk.failWhen(call -> isForce(call) && call.file().endsWith(".seg"), fault);
    assertThatExceptionOfType(StoreFailedException.class)
        .isThrownBy(() -> store.delete("before"))
        .withMessageContaining(fault.reason());
    assertThat(disk.failures()).as("forces, of which none is tried again").isOne();
    disk.heal();
    assertThat(store.stats().failure()).contains(fault.reason());
    int calls = disk.calls();
    assertThatExceptionOfType(StoreFailedException.class)
        .isThrownBy(() -> store.put("after", "refused"));
    assertThat(store.getString("before")).contains("acknowledged");
    Simulation.abandon(store);
    assertThat(disk.log().subList(calls, disk.calls())).as("calls after that").isEmpty();
    for (PowerLoss mode : PowerLoss.values()) {
      SimulatedDirectory after = disk.image().afterPowerLoss(mode, new SplittableRandom(1)).mount();
      KvStore again = Simulation.open(after, ALWAYS);
      assertThat(again.getString("before")).as("" + mode).contains("acknowledged");
      assertThat(again.size()).as("" + mode).isEqualTo(1);
      again.close();
      after.discard();
    }
    disk.discard();
  }

  /// A force that fails of what nothing hangs on yet, a segment that no manifest lists and a manifest
  /// under its temporary name, fails the write. The next one begins with another file.
  @ParameterizedTest
  @ValueSource(strings = {"[0-9]+\\.seg", "MANIFEST\\.tmp"})
  void aForceThatFailsOfAFileNothingHangsOnFailsTheWriteOnly(String file) {
    for (PowerLoss mode : PowerLoss.values()) {
      SimulatedDirectory disk = SimulatedDirectory.empty();
      KvStore store = Simulation.open(disk, ALWAYS);
      store.put("before", "acknowledged");
      Set<String> there = disk.image().files().keySet();
      disk.failWhen(
          call -> isForce(call) && call.file().matches(file) && !there.contains(call.file()),
          Fault.IO_ERROR);
      assertThatExceptionOfType(StoreIoException.class)
          .isThrownBy(() -> store.put("during", "x".repeat(5000)))
          .withMessageContaining("Input/output error");
      disk.heal();
      assertThat(store.stats().failure()).isEmpty();
      store.put("after", "x".repeat(5000));
      DiskImage left = disk.image();
      Simulation.kill(store, disk);
      SimulatedDirectory after = left.afterPowerLoss(mode, new SplittableRandom(1)).mount();
      KvStore again = Simulation.open(after, ALWAYS);
      assertThat(again.recovery().damages()).isEmpty();
      assertThat(again.getString("before")).as("" + mode).contains("acknowledged");
      assertThat(again.getString("after")).as("" + mode).contains("x".repeat(5000));
      assertThat(again.size()).as("" + mode).isEqualTo(2);
      again.close();
      after.discard();
    }
  }

  /// Segments are sealed when they can be: cutting them off, and the manifest that lists them, may meet a
  /// full disk again and again.
  @Test
  void aSealThatMeetsAFullDiskIsTriedAgainUntilThereIsSpace() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    disk.failWhen(
        call -> call.operation().equals("cut") && call.file().endsWith(".seg"), Fault.NO_SPACE);
    requireSealedLater(disk);
  }

  /// That the reserve cannot be reached does not make more of a full disk than it is.
  @Test
  void aSealThatMeetsAFullDiskAndCannotReachTheReserveIsTriedAgainUntilThereIsSpace() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    disk.failWhen(
        call -> call.file().equals(Manifest.NEXT_NAME) && isSealing(disk, call), Fault.NO_SPACE);
    disk.failWhen(
        call ->
            call.operation().equals("list")
                && isSealing(disk, call)
                && disk.log().get(call.number() - 2).file().equals(Manifest.NEXT_NAME),
        Fault.NO_HANDLE);
    requireSealedLater(disk);
  }

  /// Whether a segment has been cut off, and since then no other made and no manifest installed.
  private static boolean isSealing(SimulatedDirectory disk, Call call) {
    return disk.log().subList(0, call.number() - 1).reversed().stream()
        .takeWhile(
            before -> !installsManifest(before) && !before.toString().matches(CREATES_SEGMENT))
        .anyMatch(before -> before.operation().equals("cut") && before.file().endsWith(".seg"));
  }

  private static void requireSealedLater(SimulatedDirectory disk) {
    KvStore store = Simulation.open(disk, ALWAYS);
    for (int number = 0; number < 5; number++) {
      store.put("key" + number, "x".repeat(3000)); // the full segments are to be sealed
      assertThat(store.stats().failure()).as("put " + number).isEmpty();
    }
    assertThat(disk.failures()).isGreaterThanOrEqualTo(4);
    assertThat(store.stats().segments())
        .filteredOn(segment -> segment.state() == Stats.State.SEALING)
        .hasSizeGreaterThan(2);
    disk.heal();
    store.put("last", "x".repeat(3000));
    assertThat(store.stats().segments())
        .noneMatch(segment -> segment.state() == Stats.State.SEALING);
    store.close();
    SimulatedDirectory after =
        disk.image().afterPowerLoss(PowerLoss.NONE, new SplittableRandom(1)).mount();
    KvStore again = Simulation.open(after, ALWAYS);
    assertThat(again.recovery().outcome()).isEqualTo(RecoveryReport.Outcome.CLEAN);
    assertThat(again.size()).isEqualTo(6);
    again.close();
    after.discard();
    disk.discard();
  }

  // ---- In open

  @Test
  void anOpenThatFailsAtAnyCallLosesNothingAndTheNextHasEverything() {
    Seed.fixed(
        5,
        random -> {
          for (int round = 0; round < 8; round++) {
            for (boolean closed : new boolean[] {false, true}) {
              StoreModel model = new StoreModel();
              failOpenEverywhere(leave(model, closed, random), model, random);
            }
          }
        });
  }

  /// A process that is killed between a hint and the manifest leaves one that does not fit the seal that the
  /// next open makes.
  @Test
  void anOpenThatFailsBesideHintsOfEarlierSealsLeavesNothingThatVerifyCallsDamage() {
    Seed.fixed(
        6,
        random -> {
          StoreModel model = new StoreModel();
          DiskImage killed = leave(model, false, random);
          SimulatedClock later = new SimulatedClock();
          later.jump(Duration.ofDays(1));
          SimulatedDirectory disk = killed.mount();
          Simulation.open(disk, ALWAYS, later, Workers.inline()).close();
          DiskImage withHints = killed;
          for (Map.Entry<String, byte[]> file : disk.image().files().entrySet()) {
            if (file.getKey().endsWith(".hint") && !killed.files().containsKey(file.getKey())) {
              withHints = withHints.with(file.getKey(), file.getValue());
            }
          }
          disk.discard();
          assertThat(withHints).isNotSameAs(killed);
          model.allDurable(); // as everything in a changed image
          failOpenEverywhere(withHints, model, random);
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
      model.allDurable();
    }
    DiskImage image = disk.image();
    Simulation.abandon(store);
    disk.discard();
    return image;
  }

  private static void failOpenEverywhere(
      DiskImage image, StoreModel model, SplittableRandom random) {
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
          openWithFault(disk, image, model.copy(), random);
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
      SimulatedDirectory disk, DiskImage before, StoreModel model, SplittableRandom random) {
    KvStore store;
    try {
      store = Simulation.open(disk, ALWAYS);
    } catch (StoreIoException e) {
      assertThat(disk.open()).as("left open").isEmpty();
      DiskImage left = disk.image();
      Set<PowerLoss> modes = EnumSet.allOf(PowerLoss.class);
      if (disk.log().stream().noneMatch(FaultTest::changes)) {
        requireSame(before, left);
        modes = EnumSet.of(PowerLoss.NONE); // all that a failed force could have made worse
      }
      requireOnlyAllowedChanges(before, left);
      SimulatedDirectory looked = left.mount();
      assertThat(Inspection.verify(looked, Progress.NONE).damages()).isEmpty();
      looked.discard();
      for (PowerLoss mode : modes) {
        reopen(
            left.afterPowerLoss(mode, random), model.copy(), true, "a failed open, then " + mode);
      }
      disk.heal();
      store = Simulation.open(disk, ALWAYS);
    }
    model.checkAfterKill(store);
    assertThat(store.recovery().damages()).isEmpty();
    DiskImage opened = disk.image();
    PowerLoss mode = PowerLoss.values()[random.nextInt(PowerLoss.values().length)];
    reopen(opened.afterPowerLoss(mode, random), model.copy(), true, "opened, then " + mode);
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

  /// What an open that failed may have done to the files it found:
  ///
  /// - a segment that holds records begins with all that was in it; cut and seal may follow
  /// - a segment that holds none may be gone, unless the manifest still lists it
  /// - the manifest may be a later one, in which every segment with records is
  /// - a hint may be gone, with or without a new one begun in its place
  /// - the reserve and the receipts may be anything
  ///
  /// Everything else is as it was.
  private static void requireOnlyAllowedChanges(DiskImage before, DiskImage after) {
    Manifest manifest = manifest(after);
    assertThat(manifest.generation()).isGreaterThanOrEqualTo(manifest(before).generation());
    Set<String> listed = listed(manifest);
    assertThat(after.files().keySet()).as("listed").containsAll(listed);
    before
        .files()
        .forEach((name, old) -> {
          byte[] content = after.files().get(name);
          if (name.endsWith(".seg")) {
            int end = endOfRecords(old);
            if (end > SegmentFormat.HEADER_BYTES) {
              assertThat(listed).contains(name);
            }
            if (listed.contains(name)) {
              assertThat(content.length).as(name).isGreaterThanOrEqualTo(end);
              assertThat(Arrays.mismatch(content, 0, end, old, 0, end)).as(name).isEqualTo(-1);
            }
          } else if (!name.equals(Manifest.NAME)
              && !name.endsWith(".hint")
              && !Set.of("RESERVE", "RECOVERY.json", "RECOVERY.jsonl").contains(name)) {
            assertThat(content).as(name).isEqualTo(old);
          }
        });
  }

  private static Manifest manifest(DiskImage image) {
    SimulatedDirectory disk = image.mount();
    try {
      return Manifest.read(disk);
    } finally {
      disk.discard();
    }
  }

  private static Set<String> listed(Manifest manifest) {
    return Stream.concat(
            manifest.sealed().stream().map(SealedSegment::id), manifest.open().stream())
        .map(SegmentFormat::segmentName)
        .collect(Collectors.toSet());
  }

  private static int endOfRecords(byte[] segment) {
    int end = segment.length;
    while (end > 0 && segment[end - 1] == 0) {
      end--;
    }
    return end;
  }
}

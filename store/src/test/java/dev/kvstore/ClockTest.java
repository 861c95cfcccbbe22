package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CrashingLife.Care;
import dev.kvstore.engine.Workers;
import dev.kvstore.testkit.CrashStates;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Happening;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedClock;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A clock that goes a day back, to 1970 and forty days forward changes what is written into records, and
/// nothing else: the order of writes is that of their sequence numbers.
@Timeout(120)
class ClockTest {
  private static final Options OPTIONS = Simulation.tiny(Durability.ALWAYS);

  @TempDir private Path temporary;

  @Test
  void theLastWriteWinsWhateverTheClockSaysThroughCompactionAndReopen() {
    for (int from = 0; from < 4; from++) {
      for (int to = 0; to < 4; to++) {
        overwriteAndDelete(from, to);
      }
    }
  }

  private static void set(SimulatedClock clock, int place) {
    clock.set(Instant.ofEpochMilli(1_700_000_000_000L));
    switch (place) {
      case 0 -> {}
      case 1 -> clock.jump(Duration.ofDays(-1));
      case 2 -> clock.set(Instant.EPOCH);
      default -> clock.jump(Duration.ofDays(40));
    }
  }

  private static void overwriteAndDelete(int from, int to) {
    SimulatedClock clock = new SimulatedClock();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    set(clock, from);
    KvStore store = Simulation.open(disk, OPTIONS, clock, Workers.inline());
    store.put("overwritten", "old");
    store.put("deleted", "old");
    store.put("deleted and set again", "old");
    store.put("filler", "x".repeat(5000));
    store.compact(); // the old ones are in a sealed segment
    set(clock, to);
    store.put("overwritten", "new");
    store.delete("deleted");
    store.delete("deleted and set again");
    set(clock, from);
    store.put("deleted and set again", "new");
    for (int round = 0; round < 3; round++) {
      requireNewest(store);
      set(clock, round % 2 == 0 ? to : from);
      switch (round) {
        case 0 -> store.compact();
        case 1 -> {
          store.close();
          store = Simulation.open(disk, OPTIONS, clock, Workers.inline());
        }
        default -> {
          DiskImage killed = disk.image();
          Simulation.kill(store, disk);
          disk = killed.mount();
          store = Simulation.open(disk, OPTIONS, clock, Workers.inline());
        }
      }
    }
    requireNewest(store);
    store.close();
    disk.discard();
  }

  private static void requireNewest(KvStore store) {
    assertThat(store.getString("overwritten")).contains("new");
    assertThat(store.getString("deleted")).isEmpty();
    assertThat(store.getString("deleted and set again")).contains("new");
    assertThat(store.size()).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ALWAYS", "OS"})
  void aCrashAtAnyCallKeepsWhatWasPromisedUnderAClockThatJumps(String durability) {
    CrashStates states = new CrashStates();
    Seed.fresh(random -> {
      Durability waits = durability.equals("OS") ? Durability.OS : Durability.ALWAYS;
      new CrashingLife(Simulation.tiny(waits), Care.A_CHOICE, states, random)
          .withWildClock()
          .live(3, 8);
    });
    System.out.println("ClockTest: " + durability + ": crash states: " + states);
    assertThat(states.distinct()).isGreaterThan(200);
    assertThat(states.happenings()).contains(Happening.CRASH_IN_RECOVERY);
  }

  /// Long lives without crashes at each call, but many sessions.
  @Test
  void everyAnswerIsThatOfAMapUnderAClockThatJumps() {
    long end = System.nanoTime() + Duration.ofSeconds(2).toNanos();
    while (System.nanoTime() < end && !Seed.isReplay()) {
      Seed.fresh(ClockTest::live);
    }
    Seed.fresh(ClockTest::live);
  }

  private static void live(SplittableRandom random) {
    SimulatedClock clock = new SimulatedClock();
    StoreModel model = new StoreModel();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    try {
      for (int session = 0; session < 10; session++) {
        model.note(clock.misbehave(random));
        KvStore store = Simulation.open(disk, OPTIONS, clock, Workers.inline());
        model.checkAfterPowerLoss(store);
        ModelledStore modelled = new ModelledStore(store, model);
        for (int step = random.nextInt(50); step > 0; step--) {
          if (random.nextInt(3) == 0) {
            model.note(clock.misbehave(random));
          }
          if (random.nextInt(12) == 0) {
            modelled.compact();
          }
          modelled.stepOfAnyKind(random);
        }
        model.checkLive(store);
        DiskImage image = disk.image();
        if (random.nextBoolean()) {
          store.close();
          model.allDurable();
          image = disk.image();
        }
        Simulation.kill(store, disk);
        disk = image.afterPowerLoss(PowerLoss.NONE, random).mount();
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(e + "\n" + model, e);
    } finally {
      disk.discard();
    }
  }

  /// So that the other tests of this class do prove something.
  @Test
  void theClockIsTheOneThatRecordsTellAndSalvageDoesNotGoByIt() throws IOException {
    SimulatedClock clock = new SimulatedClock();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, OPTIONS, clock, Workers.inline());
    clock.jump(Duration.ofDays(40));
    store.put("key", "old");
    store.compact(); // the old one is in a sealed segment
    clock.set(Instant.EPOCH);
    store.put("key", "new");
    store.close();
    Path directory = Files.createDirectory(temporary.resolve("store"));
    for (Map.Entry<String, byte[]> file : disk.image().files().entrySet()) {
      Files.write(directory.resolve(file.getKey()), file.getValue());
    }
    disk.discard();

    List<Long> times = new ArrayList<>();
    try (Stream<RecordInfo> records = StoreInspector.records(directory)) {
      records
          .filter(record -> record.kind() == RecordInfo.Kind.PUT)
          .forEach(record -> times.add(record.timestampMillis()));
    }
    assertThat(times).hasSize(2);
    assertThat(times.getFirst())
        .isGreaterThan(Instant.parse("2023-12-24T00:00:00Z").toEpochMilli());
    assertThat(times.getLast()).isLessThan(Duration.ofMinutes(1).toMillis());

    Path salvaged = temporary.resolve("salvaged");
    StoreInspector.salvage(directory, salvaged, Progress.NONE);
    try (KvStore copy = KvStore.open(salvaged)) {
      assertThat(copy.getString("key")).contains("new");
    }
  }
}

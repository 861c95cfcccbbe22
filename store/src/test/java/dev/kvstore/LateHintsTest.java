package dev.kvstore;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.SimulatedCrash;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A hint that is missing is written once the store is open.
class LateHintsTest {
  private static final Options OPTIONS =
      Simulation.tiny(Durability.OS).toBuilder().compaction(CompactionPolicy.manual()).build();
  private static final int KEYS = 60;

  private static byte[] key(int number) {
    return ("key" + number).getBytes(US_ASCII);
  }

  /// A store that was closed cleanly, with an index image and without hints.
  private static DiskImage closedWithoutHints() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    try (KvStore store = Simulation.open(disk, OPTIONS)) {
      for (int number = 0; number < KEYS; number++) {
        store.put(key(number), new byte[200]);
      }
    }
    DiskImage image = disk.image();
    disk.discard();
    SimulatedDirectory mounted = image.mount();
    long removed = 0;
    for (String name : mounted.list()) {
      if (name.endsWith(".hint")) {
        mounted.remove(name);
        removed++;
      }
    }
    assertThat(removed).isGreaterThan(1);
    DiskImage without = mounted.image();
    mounted.discard();
    return without;
  }

  private static void openAndClose(SimulatedDirectory disk) {
    try (KvStore store = Simulation.open(disk, OPTIONS)) {
      assertThat(store.recovery().indexSource()).isEqualTo(RecoveryReport.IndexSource.IMAGE);
      for (int number = 0; number < KEYS; number++) {
        assertThat(store.get(key(number))).hasSize(200);
      }
    }
  }

  @Test
  @Timeout(60)
  void aKillWhileAMissingHintIsWrittenLeavesNothingThatLooksLikeDamage() {
    DiskImage without = closedWithoutHints();
    SimulatedDirectory whole = without.mount();
    openAndClose(whole);
    assertThat(whole.list()).anyMatch(name -> name.endsWith(".hint"));
    int calls = whole.calls();
    whole.discard();
    for (int call = 1; call <= calls; call++) {
      SimulatedDirectory disk = without.mount().crashHalfWayAt(call);
      try {
        Simulation.abandon(Simulation.open(disk, OPTIONS));
      } catch (SimulatedCrash | StoreException e) {
        assertThat(disk.hasCrashed()).isTrue();
      }
      DiskImage killed = disk.image();
      disk.discard();
      SimulatedDirectory after = killed.mount();
      Simulation.abandon(Simulation.open(after, OPTIONS));
      assertThat(StoreInspector.verify(after.path(), Progress.NONE).damages())
          .as("killed at call " + call + " of " + calls)
          .isEmpty();
      assertThat(after.list()).noneMatch(name -> name.endsWith(".tmp"));
      after.discard();
    }
  }
}

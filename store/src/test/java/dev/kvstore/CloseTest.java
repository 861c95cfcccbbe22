package dev.kvstore;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.engine.Workers;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Fault;
import dev.kvstore.testkit.SimulatedClock;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import java.util.Iterator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a close says when it does not go well, and what calls say that it meets; and what a store that
/// takes no writes says to those who wait for durability.
@Timeout(60)
class CloseTest {
  private static final Options OPTIONS =
      Simulation.tiny(Durability.OS).toBuilder().compaction(CompactionPolicy.manual()).build();

  private SimulatedDirectory disk = SimulatedDirectory.empty();

  @AfterEach
  void discard() {
    disk.discard();
  }

  private static byte[] key(int number) {
    return ("key" + number).getBytes(US_ASCII);
  }

  private void requireReleased(KvStore store) {
    assertThat(disk.open()).isEmpty();
    store.close(); // says nothing any more
    assertThatExceptionOfType(StoreClosedException.class).isThrownBy(store::size);
    disk.heal();
    disk = disk.restart();
    Simulation.open(disk, OPTIONS).close();
  }

  @Test
  void aLastForceThatFailsIsToldOnce() {
    KvStore store = Simulation.open(disk, OPTIONS);
    store.put("a", "1");
    disk.failWhen(call -> call.operation().equals("force"), Fault.IO_ERROR);
    assertThatExceptionOfType(StoreFailedException.class).isThrownBy(store::close);
    requireReleased(store);
  }

  @Test
  void aDiskThatIsFullAtTheEndIsToldAsThat() {
    KvStore store = Simulation.open(disk, OPTIONS, new SimulatedClock(), Workers.lagging());
    for (int number = 0; number < 100; number++) {
      store.put(key(number), new byte[200]); // several segments, none of them sealed yet
    }
    disk.failWhen(call -> call.writes() || call.operation().equals("create"), Fault.NO_SPACE);
    assertThatExceptionOfType(StoreIoException.class)
        .isThrownBy(store::close)
        .matches(StoreIoException::isNoSpace);
    requireReleased(store);
  }

  @Test
  void aWalkThatIsUnderWayEndsWithClosed() {
    KvStore store = Simulation.open(disk, OPTIONS);
    for (int number = 0; number < 2000; number++) {
      store.put(key(number), new byte[10]);
    }
    Iterator<byte[]> keys = store.keys().iterator();
    keys.next();
    store.close();
    assertThatExceptionOfType(StoreClosedException.class)
        .isThrownBy(() -> {
          while (keys.hasNext()) {
            keys.next();
          }
        });
  }

  // ---- What the counters say

  @Test
  void aForceThatFailsIsCountedAndAnotherFailureIsNot() {
    try (KvStore store = Simulation.open(disk, OPTIONS)) {
      store.put("a", "1");
      assertThat(store.stats().syncsFailed()).isZero();
      disk.failWhen(call -> call.operation().equals("force"), Fault.IO_ERROR);
      assertThatExceptionOfType(StoreFailedException.class).isThrownBy(store::sync);
      assertThat(store.stats().syncsFailed()).isOne();
      assertThat(store.stats().failure()).isNotEmpty();
    }
    disk.heal();
    disk = disk.restart();
    try (KvStore store = Simulation.open(disk, OPTIONS)) {
      disk.failWhen(call -> call.operation().equals("rename"), Fault.IO_ERROR_AFTERWARDS);
      assertThatExceptionOfType(StoreException.class)
          .isThrownBy(() -> {
            for (int number = 0; number < 100; number++) {
              store.put(key(number), new byte[200]);
            }
          });
      assertThat(store.stats().failure()).isNotEmpty();
      assertThat(store.stats().syncsFailed()).isZero();
      assertThatExceptionOfType(StoreFailedException.class)
          .isThrownBy(() -> store.put("a", "2"))
          .withMessageContaining("something failed");
    }
  }

  // ---- Waiting for durability where nothing can be forced

  @Test
  void aReaderOfWhatIsDurableHasNothingToWaitFor() {
    try (KvStore store = Simulation.open(disk, OPTIONS)) {
      store.put("a", "1");
    }
    disk = disk.restart();
    try (KvStore store = Simulation.open(disk, OPTIONS.toBuilder().readOnly(true).build())) {
      long last = store.lastSequence();
      assertThat(last).isPositive();
      store.awaitDurable(last);
      assertThat(store.sync()).isEqualTo(last);
      assertThat(store.async().sync().join()).isEqualTo(last);
    }
  }

  @Test
  void aReaderOfWhatMayNotBeDurableIsToldWhatToDo() {
    KvStore killed = Simulation.open(disk, OPTIONS);
    killed.put("a", "1");
    DiskImage image = disk.image();
    Simulation.kill(killed, disk);
    disk = image.mount();
    try (KvStore store = Simulation.open(disk, OPTIONS.toBuilder().readOnly(true).build())) {
      long last = store.lastSequence();
      assertThat(last).isPositive();
      assertThat(store.durableSequence()).isLessThan(last);
      store.awaitDurable(store.durableSequence());
      assertThatExceptionOfType(StoreReadOnlyException.class)
          .isThrownBy(() -> store.awaitDurable(last))
          .withMessageContaining("open it for writing");
      assertThatExceptionOfType(StoreReadOnlyException.class).isThrownBy(store::sync);
    }
  }
}

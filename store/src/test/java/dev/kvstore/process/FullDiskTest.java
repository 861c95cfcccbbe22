package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.RecoveryReport;
import dev.kvstore.StoreInspector;
import dev.kvstore.StoreIoException;
import dev.kvstore.WriteBatch;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// A disk of 16 MiB that is full: writes fail and say why, everything else goes on, and nothing is lost.
@Timeout(120)
class FullDiskTest {
  private static final int VALUE_BYTES = 10_000;

  @TempDir private Path temporary;

  /// Every kind of disk, with writes that wait for a force and with such that do not.
  static Stream<Arguments> disks() {
    return Stream.of(SmallDisk.Kind.values())
        .flatMap(kind ->
            Stream.of(Durability.OS, Durability.ALWAYS)
                .map(durability -> Arguments.of(kind, durability)));
  }

  static Options options(long segmentBytes) {
    return options(segmentBytes, Durability.OS);
  }

  static Options options(long segmentBytes, Durability durability) {
    return Options.builder()
        .durability(durability)
        .segmentBytesMax(segmentBytes)
        .compaction(CompactionPolicy.manual())
        .build();
  }

  static byte[] key(int number) {
    return ("key" + number).getBytes(StandardCharsets.US_ASCII);
  }

  static byte[] value(int number) {
    byte[] value = new byte[VALUE_BYTES];
    new Random(number).nextBytes(value);
    return value;
  }

  /// Puts key0, key1, ... until the disk is full; returns how many there are.
  static int fill(KvStore store) {
    for (int number = 0; ; number++) {
      try {
        store.put(key(number), value(number));
      } catch (StoreIoException e) {
        assertThat(e.isNoSpace()).as(e.toString()).isTrue();
        return number;
      }
    }
  }

  static void assertHolds(KvStore store, int from, int to) {
    for (int number = from; number < to; number++) {
      assertThat(store.get(key(number))).as("key" + number).isEqualTo(value(number));
    }
    assertThat(store.size()).isEqualTo(to - from);
    try (Stream<byte[]> keys = store.keys()) {
      assertThat(keys.count()).isEqualTo(to - from);
    }
  }

  @ParameterizedTest
  @MethodSource("disks")
  void fullDiskFailsTheWriteAndNothingElse(SmallDisk.Kind kind, Durability durability) {
    try (SmallDisk disk = SmallDisk.mount(kind, temporary);
        KvStore store = KvStore.open(disk.store(), options(1 << 20, durability))) {
      int count = fill(store);
      assertThat(count).isGreaterThan(1000);
      for (int again = 0; again < 20; again++) {
        // What the store seals meanwhile may give back some space, so a later write may fit again.
        WriteBatch batch = new WriteBatch().delete(key(0)).put(key(0), value(0));
        for (int part = 0; part < 20; part++) {
          batch.put(key(-1 - part), new byte[100_000]);
        }
        assertThatExceptionOfType(StoreIoException.class)
            .isThrownBy(() -> store.write(batch))
            .matches(StoreIoException::isNoSpace);
      }
      assertHolds(store, 0, count);
      assertThat(store.stats().failure()).isEmpty();
      store.sync();
    }
  }

  /// Those whose last digit is below 7.
  private static void deleteSevenOfTen(KvStore store, int from, int to) {
    for (int number = from; number < to; number++) {
      if (number % 10 < 7) {
        assertThat(store.delete(key(number))).as("key" + number).isTrue();
      }
    }
  }

  /// With segments as large as they are by default: what lives in one does not fit beside them.
  @ParameterizedTest
  @MethodSource("disks")
  void whatIsDeletedOnAFullDiskCanBeFilledAgainAndAgain(
      SmallDisk.Kind kind, Durability durability) {
    Options usual = Options.builder().durability(durability).build();
    try (SmallDisk disk = SmallDisk.mount(kind, temporary)) {
      for (int round = 0; round < 4; round++) {
        try (KvStore store = KvStore.open(disk.store(), usual)) {
          int count = fill(store);
          assertThat(count).as("round " + round).isGreaterThan(600);
          deleteSevenOfTen(store, 0, count);
          store.compact();
          for (int number = 7; number < count; number += 10) {
            assertThat(store.get(key(number))).isEqualTo(value(number));
          }
          assertThat(store.stats().failure()).isEmpty();
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("disks")
  void deletesWorkOnAFullDiskAndCompactionGivesTheirSpaceBackWithoutAReopen(
      SmallDisk.Kind kind, Durability durability) {
    try (SmallDisk disk = SmallDisk.mount(kind, temporary);
        KvStore store = KvStore.open(disk.store(), options(1 << 20, durability))) {
      disk.fillUp(3 << 8); // compaction gets 13 MiB for its copies: more than it needs
      int count = fill(store);
      int removed = 40;
      for (int number = 0; number < removed; number++) {
        assertThat(store.delete(key(number))).isTrue();
      }
      disk.makeRoom();
      store.compact();
      assertHolds(store, removed, count);
      int more = 60;
      for (int number = count; number < count + more; number++) {
        store.put(key(number), value(number));
      }
      assertHolds(store, removed, count + more);
      assertThat(store.stats().failure()).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("disks")
  void deletesCompactionAndThenWritesNeedNothingButTheReserve(
      SmallDisk.Kind kind, Durability durability) {
    try (SmallDisk disk = SmallDisk.mount(kind, temporary);
        KvStore store = KvStore.open(disk.store(), options(1 << 20, durability))) {
      BitSet live = new BitSet();
      for (int round = 0; round < 3; round++) {
        int first = live.length();
        int added = fillFrom(store, first);
        assertThat(added).as("round " + round).isGreaterThan(400);
        deleteSevenOfTen(store, first, first + added);
        for (int number = first; number < first + added; number++) {
          live.set(number, number % 10 >= 7);
        }
        store.compact();
        assertThat(store.size()).isEqualTo(live.cardinality());
        live.stream()
            .forEach(number ->
                assertThat(store.get(key(number))).as("key" + number).isEqualTo(value(number)));
      }
      assertThat(store.stats().failure()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void closeAndReopenOnAFullDiskLoseNothing(SmallDisk.Kind kind) {
    try (SmallDisk disk = SmallDisk.mount(kind, temporary)) {
      int count;
      try (KvStore store = KvStore.open(disk.store(), options(1 << 20))) {
        count = fill(store);
      }
      try (KvStore store = KvStore.open(disk.store(), options(1 << 20))) {
        assertHolds(store, 0, count);
        assertThat(store.recovery().outcome()).isEqualTo(RecoveryReport.Outcome.CLEAN);
      }
      assertThat(StoreInspector.verify(disk.store(), Progress.NONE).damages()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void writeGoesOnWhenSomebodyElseMakesRoom(SmallDisk.Kind kind) {
    try (SmallDisk disk = SmallDisk.mount(kind, temporary);
        KvStore store = KvStore.open(disk.store(), options(1 << 20))) {
      store.put(key(0), value(0));
      disk.fillUp(0);
      int count = 1 + fillFrom(store, 1);
      disk.makeRoom();
      store.put(key(count), value(count));
      assertHolds(store, 0, count + 1);
    }
  }

  private static int fillFrom(KvStore store, int first) {
    for (int number = first; ; number++) {
      try {
        store.put(key(number), value(number));
      } catch (StoreIoException e) {
        assertThat(e.isNoSpace()).isTrue();
        return number - first;
      }
    }
  }

  /// Main class of a process that fills the disk and goes on trying.
  static final class Filler {
    private Filler() {}

    public static void main(String[] arguments) {
      KvStore store = KvStore.open(Path.of(arguments[0]), options(Long.parseLong(arguments[1])));
      int count = fill(store);
      System.out.println("full " + count + " ");
      while (true) {
        fillFrom(store, count);
      }
    }
  }

  private int killedOnFullDisk(SmallDisk disk, long segmentBytes) {
    try (ChildJvm filler =
        ChildJvm.start(temporary.resolve("out"), Filler.class, disk.store(), segmentBytes)) {
      filler.awaitSaid(" \n");
      filler.kill();
      return filler
          .said()
          .lines()
          .filter(line -> line.startsWith("full "))
          .mapToInt(line -> Integer.parseInt(line.split(" ")[1]))
          .findFirst()
          .orElseThrow();
    }
  }

  @ParameterizedTest
  @EnumSource
  void storeKilledOnAFullDiskOpensThereWithEverything(SmallDisk.Kind kind) {
    try (SmallDisk disk = SmallDisk.mount(kind, temporary)) {
      int count = killedOnFullDisk(disk, 1 << 20);
      disk.fillUp(0);
      try (KvStore store = KvStore.open(disk.store(), options(1 << 20))) {
        assertHolds(store, 0, count);
        assertThat(store.recovery().outcome()).isEqualTo(RecoveryReport.Outcome.RECOVERED);
      }
      assertThat(StoreInspector.verify(disk.store(), Progress.NONE).damages()).isEmpty();
      try (KvStore store = KvStore.open(disk.store(), options(1 << 20))) {
        assertHolds(store, 0, count);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void closeWithoutASingleFreeBlockSucceedsAndLosesNothing(SmallDisk.Kind kind) {
    try (SmallDisk disk = SmallDisk.mount(kind, temporary)) {
      int count;
      try (KvStore store = KvStore.open(disk.store(), options(1 << 20))) {
        count = fill(store);
        disk.fillUp(0);
        for (int number = 0; number < 20; number++) {
          store.delete(key(number));
        }
      }
      try (KvStore store = KvStore.open(disk.store(), options(1 << 20))) {
        assertHolds(store, 20, count);
      }
    }
  }
}

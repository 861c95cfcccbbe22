package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.io.Access;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.HintBuilder;
import dev.kvstore.segment.HintEntries;
import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.HintWriter;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.Mapping;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Fault;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What compaction makes of what it meets: batches, tombstones, large values, hints that are missing or
/// wrong, damage. Segments are small, and nothing happens by itself.
@Timeout(60)
class CompactionTest {
  private static final Options OPTIONS =
      Simulation.tiny(Durability.OS).toBuilder()
          .segmentBytesMax(64 << 10)
          .compaction(CompactionPolicy.manual())
          .build();

  private final SimulatedDirectory disk = SimulatedDirectory.empty();
  private final SplittableRandom random = new SplittableRandom(7);
  private final Map<String, byte[]> expected = new TreeMap<>();
  private KvStore store = Simulation.open(disk, OPTIONS);

  @AfterEach
  void discard() {
    Simulation.abandon(store);
    disk.discard();
  }

  // ---- The store

  private byte[] value(int bytes) {
    byte[] value = new byte[bytes];
    random.nextBytes(value);
    return value;
  }

  private void put(String key, int bytes) {
    byte[] value = value(bytes);
    store.put(key.getBytes(StandardCharsets.UTF_8), value);
    expected.put(key, value);
  }

  private void delete(String key) {
    assertThat(store.delete(key)).isTrue();
    expected.remove(key);
  }

  private void requireExpected(KvStore from) {
    assertThat(from.size()).isEqualTo(expected.size());
    expected.forEach((key, value) ->
        assertThat(from.get(key.getBytes(StandardCharsets.UTF_8))).as(key).isEqualTo(value));
  }

  /// What is in the log, without any help of hints or image, is what was written.
  private void requireExpectedOf(DiskImage image) {
    DiskImage log = image.without("INDEX");
    for (String name : image.files().keySet()) {
      if (name.endsWith(".hint")) {
        log = log.without(name);
      }
    }
    for (DiskImage each : List.of(image, log)) {
      SimulatedDirectory mounted = each.mount();
      KvStore again = Simulation.open(mounted, OPTIONS);
      requireExpected(again);
      assertThat(again.recovery().damages()).isEmpty();
      again.close();
      assertThat(StoreInspector.verify(mounted.path(), Progress.NONE).damages()).isEmpty();
      mounted.discard();
    }
  }

  private void requireExpectedEverywhere() {
    requireExpected(store);
    requireExpectedOf(disk.image());
    requireExpectedOf(disk.image().afterPowerLoss(PowerLoss.NONE, random));
  }

  // ---- Its files

  private Manifest manifest() {
    return Manifest.read(disk);
  }

  /// A record in a sealed segment.
  private record Found(String file, long offset, long bytes, int kind, long batchLeft) {}

  private List<Found> records() {
    List<Found> found = new ArrayList<>();
    manifest()
        .sealed()
        .forEach(sealed ->
            scan(
                sealed,
                scanner ->
                    found.add(
                        new Found(
                            SegmentFormat.segmentName(sealed.id()),
                            scanner.offset(),
                            scanner.recordBytes(),
                            scanner.kind(),
                            scanner.batchLeft()))));
    return found;
  }

  /// Where the records of a key are, oldest first.
  private List<Found> recordsOf(String key) {
    List<Found> found = new ArrayList<>();
    byte[] buffer = new byte[KvStore.KEY_BYTES_MAX];
    manifest()
        .sealed()
        .forEach(sealed ->
            scan(
                sealed,
                scanner -> {
                  int length = scanner.copyKey(buffer);
                  if (key.equals(new String(buffer, 0, length, StandardCharsets.UTF_8))) {
                    found.add(
                        new Found(
                            SegmentFormat.segmentName(sealed.id()),
                            scanner.offset(),
                            scanner.recordBytes(),
                            scanner.kind(),
                            scanner.batchLeft()));
                  }
                }));
    return found;
  }

  private void scan(SealedSegment sealed, Consumer<SegmentScanner> each) {
    try (FileHandle file = disk.open(SegmentFormat.segmentName(sealed.id()), Access.READ)) {
      Mapping mapping = Mapping.of(file, sealed.bytes(), Access.READ);
      try {
        Segment segment = new Segment(manifest().store(), sealed.id(), mapping, sealed.bytes());
        SegmentScanner scanner =
            new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, sealed.bytes());
        while (scanner.next()) {
          if (scanner.kind() <= RecordFormat.DELETE) {
            each.accept(scanner);
          }
        }
      } finally {
        mapping.retire();
      }
    }
  }

  /// Changes one byte of the body of a record under the open store.
  private void flip(Found record) {
    try (RandomAccessFile file =
        new RandomAccessFile(disk.path().resolve(record.file).toFile(), "rw")) {
      long at = record.offset + RecordFormat.HEADER_BYTES + 3;
      file.seek(at);
      int byteThere = file.read();
      file.seek(at);
      file.write(byteThere ^ 0x10);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void remove(String name) {
    disk.remove(name);
  }

  private static String hintOf(Found record) {
    return record.file.replace(".seg", ".hint");
  }

  // ---- Copies

  @Test
  void recordsOfBatchesAreCopiedOutOfTheirBatch() {
    for (int round = 0; round < 12; round++) {
      WriteBatch batch = new WriteBatch();
      for (int i = 0; i < 9; i++) {
        String key = "key" + random.nextInt(40);
        if (i % 4 == 3) {
          batch.delete(key);
          expected.remove(key);
        } else {
          byte[] value = value(random.nextInt(700));
          batch.put(key.getBytes(StandardCharsets.UTF_8), Value.of(value));
          expected.put(key, value);
        }
      }
      store.write(batch);
      put("single" + round % 3, random.nextInt(300));
    }
    assertThat(store.compact().bytesFreed()).isPositive();
    assertThat(records()).isNotEmpty().allMatch(record -> record.batchLeft == 0);
    requireExpectedEverywhere();
  }

  @Test
  void valuesOfAnySizeAreCopied() {
    int buffer = 256 << 10;
    for (int size :
        new int[] {0, 1, 7, 8, 100, 4096, buffer - 100, buffer - 64, buffer, buffer + 1}) {
      put("size" + size, size);
    }
    for (int size : new int[] {2 * buffer - 40, 2 * buffer + 3, 1 << 20, (5 << 20) + 5}) {
      put("size" + size, size);
      put("between" + size, 50);
    }
    for (int size = 0; size < 9; size++) {
      put("padded" + size, 2000 + size);
    }
    byte[] large = value(buffer + 1000);
    expected.put("inBatch", large);
    store.write(
        new WriteBatch()
            .put("inBatch".getBytes(StandardCharsets.UTF_8), Value.of(large))
            .delete("between" + (1 << 20)));
    expected.remove("between" + (1 << 20));
    put("garbage", 10_000);
    put("garbage", 10);
    for (int pass = 0; pass < 2; pass++) {
      for (int i = 0; i < 5; i++) {
        put("size" + i % 2, 30_000);
      }
      assertThat(store.compact().segmentsWritten()).isPositive();
      requireExpectedEverywhere();
    }
  }

  @Test
  void aHotKeyThatFillsSegmentsIsOneRecordAfterwards() {
    put("cold", 100);
    for (int i = 0; i < 5000; i++) {
      store.increment("counter", 1);
    }
    store.compact();
    assertThat(recordsOf("counter")).hasSize(1);
    assertThat(store.getLong("counter")).hasValue(5000);
    assertThat(store.stats().garbageBytes()).isZero();
  }

  @Test
  void liveBytesAreCountedExactlyThroughCompaction() {
    for (int round = 0; round < 4; round++) {
      for (int i = 0; i < 300; i++) {
        put("key" + random.nextInt(100), random.nextInt(900));
      }
      delete(expected.keySet().iterator().next());
      store.compact();
      long live =
          expected.entrySet().stream()
              .mapToLong(entry ->
                  RecordFormat.recordBytes(entry.getKey().length(), entry.getValue().length))
              .sum();
      assertThat(store.stats().liveBytes()).isEqualTo(live);
    }
  }

  // ---- Tombstones

  /// A segment with an old value of "gone", and another with its tombstone; both with more in them.
  private void putAndDelete() {
    for (int i = 0; i < 60; i++) {
      put("first" + i, 900);
      if (i == 30) {
        put("gone", 900);
      }
    }
    for (int i = 0; i < 60; i++) {
      put("second" + i, 900);
    }
    delete("gone");
    for (int i = 0; i < 60; i++) {
      put("third" + i, 900);
    }
    put("second7", 10); // garbage beside the tombstone
    store.put("roll", "x");
    store.delete("roll");
  }

  @Test
  void aTombstoneGoesWithTheLastRecordThatItHides() {
    putAndDelete();
    store.compact();
    assertThat(recordsOf("gone")).isEmpty();
    assertThat(records()).noneMatch(record -> record.kind == RecordFormat.DELETE);
    requireExpectedEverywhere();
  }

  @Test
  void aTombstoneStaysWhileASegmentThatCannotBeCompactedHoldsWhatItHides() {
    putAndDelete();
    store.sync();
    Found old = recordsOf("gone").getFirst();
    Found beside = recordsOf("first31").getFirst();
    assertThat(beside.file).isEqualTo(old.file);
    flip(beside);
    assertThatExceptionOfType(StoreCompactionException.class).isThrownBy(store::compact);
    flip(beside); // whole again
    assertThat(recordsOf("gone")).hasSize(2).last().matches(r -> r.kind == RecordFormat.DELETE);
    requireExpectedEverywhere();
  }

  @Test
  void aTombstoneStaysWhileAHintThatCouldTellIsMissing() {
    putAndDelete();
    store.sync();
    Found beside = recordsOf("first31").getFirst();
    flip(beside);
    remove(hintOf(beside));
    assertThatExceptionOfType(StoreCompactionException.class).isThrownBy(store::compact);
    flip(beside);
    assertThat(recordsOf("gone")).anyMatch(record -> record.kind == RecordFormat.DELETE);
    requireExpectedEverywhere();
  }

  @Test
  void manyTombstonesOfManyKeysHideWhatTheyShould() {
    for (int round = 0; round < 30; round++) {
      for (int i = 0; i < 60; i++) {
        put("key" + random.nextInt(200), random.nextInt(400));
      }
      for (int i = 0; i < 20; i++) {
        String key = "key" + random.nextInt(200);
        if (expected.containsKey(key)) {
          delete(key);
        }
      }
      if (round % 5 == 4) {
        store.compact();
        requireExpectedEverywhere();
      }
    }
  }

  // ---- Hints

  private void fillWithGarbage() {
    for (int i = 0; i < 600; i++) {
      put("key" + random.nextInt(200), random.nextInt(900));
    }
    store.delete("key3");
    expected.remove("key3");
    put("key150", 300);
    for (int i = 0; i < 100; i++) {
      put("key" + i, random.nextInt(900));
    }
  }

  @Test
  void aVictimWithoutHintIsReadInstead() {
    fillWithGarbage();
    for (SealedSegment sealed : manifest().sealed()) {
      remove(SegmentFormat.hintName(sealed.id()));
    }
    store.compact();
    assertThat(store.stats().garbageBytes()).isZero();
    requireExpectedEverywhere();
  }

  @Test
  void aVictimWithADamagedHintIsReadInstead() throws IOException {
    fillWithGarbage();
    for (SealedSegment sealed : manifest().sealed()) {
      byte[] hint = Files.readAllBytes(disk.path().resolve(SegmentFormat.hintName(sealed.id())));
      hint[hint.length / 2] ^= 1;
      Files.write(disk.path().resolve(SegmentFormat.hintName(sealed.id())), hint);
    }
    store.compact();
    assertThat(store.stats().garbageBytes()).isZero();
    requireExpectedEverywhere();
  }

  /// Adds an entry in the place of a right one.
  private interface Liar {
    void add(SealedSegment sealed, HintEntries right, long number, HintBuilder wrong);
  }

  /// Writes hints that verify and lie, and compacts: nothing is lost, and no garbage stays.
  private void compactWithHints(Liar liar) {
    fillWithGarbage();
    for (SealedSegment sealed : manifest().sealed()) {
      try (HintBuilder wrong = new HintBuilder(sealed.records())) {
        try (HintFile file = HintFile.open(disk, manifest().store(), sealed)) {
          HintEntries right = file.entries();
          for (long i = 0; i < right.count(); i++) {
            liar.add(sealed, right, i, wrong);
          }
        }
        try (HintWriter writer = HintWriter.create(disk, manifest().store(), sealed)) {
          wrong.forEachRun(writer::write);
          writer.finish();
        }
      }
    }
    store.compact();
    assertThat(store.stats().garbageBytes()).isZero();
    requireExpectedEverywhere();
  }

  @Test
  void aHintThatVerifiesAndLiesLosesNothing() {
    compactWithHints((sealed, right, i, wrong) ->
        wrong.add(
            right.hash(i) + (i % 3 == 0 ? 1L << 40 : 0),
            right.sequence(i),
            right.offset(i),
            right.recordBytes(i),
            right.isDelete(i)));
  }

  /// Whether it says so of dead records, of live ones, or of tombstones: the segment itself is sound.
  @Test
  void aVictimWhoseHintNamesImpossiblePlacesIsReadInstead() {
    compactWithHints((sealed, right, i, wrong) ->
        wrong.add(
            right.hash(i),
            right.sequence(i),
            right.offset(i),
            i % 5 == sealed.id() % 5 ? sealed.bytes() : right.recordBytes(i),
            right.isDelete(i)));
  }

  @Test
  void hintOfACopyIsThatOfItsRecords() {
    fillWithGarbage();
    store.compact();
    for (SealedSegment sealed : manifest().sealed()) {
      Map<Long, Long> bytes = new TreeMap<>();
      scan(sealed, scanner -> bytes.put(scanner.offset(), scanner.recordBytes()));
      try (HintFile hint = HintFile.open(disk, manifest().store(), sealed)) {
        HintEntries entries = hint.entries();
        assertThat(entries.count()).isEqualTo(bytes.size());
        for (long i = 0; i < entries.count(); i++) {
          assertThat(bytes.remove(entries.offset(i))).isEqualTo(entries.recordBytes(i));
          assertThat(i == 0 || Long.compareUnsigned(entries.hash(i - 1), entries.hash(i)) <= 0)
              .isTrue();
        }
      }
    }
    requireExpectedEverywhere();
  }

  // ---- Damage

  @Test
  void aDamagedSegmentStaysAndAllOthersAreCompacted() {
    fillWithGarbage();
    store.sync();
    List<SealedSegment> before = manifest().sealed();
    Found damaged = recordsOf("key150").getLast();
    byte[] file = disk.image().files().get(damaged.file);
    flip(damaged);
    assertThatExceptionOfType(StoreCompactionException.class)
        .isThrownBy(store::compact)
        .withMessageContaining(damaged.file)
        .withMessageContaining("others are compacted");
    List<String> after =
        manifest().sealed().stream().map(each -> SegmentFormat.segmentName(each.id())).toList();
    assertThat(before.size()).isGreaterThan(3);
    assertThat(after).contains(damaged.file);
    for (SealedSegment each : before) {
      String name = SegmentFormat.segmentName(each.id());
      assertThat(name.equals(damaged.file) || !after.contains(name)).as(name).isTrue();
    }
    assertThat(store.stats().compactionState()).contains("damage");
    assertThatExceptionOfType(StoreCorruptionException.class)
        .isThrownBy(() -> store.get("key150".getBytes(StandardCharsets.UTF_8)));
    flip(damaged);
    assertThat(Arrays.equals(disk.image().files().get(damaged.file), file)).isTrue();
    requireExpectedEverywhere();
    store.compact(); // asked for again, it is tried again
    assertThat(store.stats().garbageBytes()).isZero();
    requireExpectedEverywhere();
  }

  @Test
  void damageOfADeadRecordGoesWithIt() {
    fillWithGarbage();
    Found dead = recordsOf("key150").getLast();
    put("key150", 200);
    flip(dead);
    store.compact();
    assertThat(recordsOf("key150")).hasSize(1);
    requireExpectedEverywhere();
  }

  @Test
  void aVictimWithoutHintAndWithDamageStays() {
    fillWithGarbage();
    store.sync();
    Found damaged = recordsOf("key150").getLast();
    flip(damaged);
    remove(hintOf(damaged));
    assertThatExceptionOfType(StoreCompactionException.class)
        .isThrownBy(store::compact)
        .withMessageContaining(damaged.file);
    flip(damaged);
    requireExpectedEverywhere();
  }

  @Test
  void aForceThatFailsWhileItIsCopiedEndsAllWritingAndLosesNothing() {
    for (int i = 0; i < 24; i++) {
      put("large" + i, 1 << 20);
    }
    for (int i = 0; i < 24; i += 3) {
      put("large" + i, 10);
    }
    store.close();
    Options large = OPTIONS.toBuilder().segmentBytesMax(256 << 20).build();
    store = Simulation.open(disk, large);
    int calls = disk.calls();
    DiskImage image = disk.image();
    store.compact();
    List<Integer> forces = new ArrayList<>();
    disk.log().subList(calls, disk.calls()).stream()
        .filter(call -> call.operation().equals("force") && call.file().endsWith(".seg"))
        .forEach(call -> forces.add(call.number() - calls));
    assertThat(forces).as("it is forced behind").hasSizeGreaterThan(2);
    for (int force : forces) {
      SimulatedDirectory again = image.mount();
      KvStore failing = Simulation.open(again, large);
      again.failAt(again.calls() + force, Fault.IO_ERROR);
      assertThatExceptionOfType(StoreException.class).isThrownBy(failing::compact);
      assertThatExceptionOfType(StoreFailedException.class).isThrownBy(() -> failing.put("a", "b"));
      Simulation.abandon(failing);
      requireExpectedOf(again.image().afterPowerLoss(PowerLoss.NONE, random));
      again.discard();
    }
  }
}

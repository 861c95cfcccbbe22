package dev.kvstore.concurrent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.WriteBatch;
import dev.kvstore.engine.Environment;
import dev.kvstore.engine.Residency;
import dev.kvstore.engine.StoreEngine;
import dev.kvstore.engine.Workers;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.testkit.Twins;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Many threads whose writes do not see what they replace, of keys that look the same to the index.
@Timeout(120)
class BlindWritesTest {
  private static final int KEYS = 60_000;
  private static final int WRITERS = 2;

  @TempDir private Path path;

  private KvStore open(Residency residency, int segmentBytes) {
    Options options =
        Options.builder()
            .durability(Durability.OS)
            .segmentBytesMax(segmentBytes)
            .compaction(CompactionPolicy.automatic(0.3, segmentBytes))
            .build();
    return StoreEngine.open(
        DiskDirectory.open(path, Access.WRITE, true),
        options,
        new Environment(
            InstantSource.system(), new SplittableRandom(7), Workers.threads(), residency, 0));
  }

  private List<String> twins() {
    try (Directory directory = DiskDirectory.open(path, Access.READ, false)) {
      return Twins.of(Manifest.read(directory).store());
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] bytes(int number) {
    return bytes(Integer.toString(number));
  }

  /// Says of one page in two, always the same, that it is there.
  private static boolean isHalf(MemorySegment page) {
    return (page.address() >>> 12 & 1) == 0;
  }

  /// Says of most pages that they are not there, now and then after others have had a turn.
  private static boolean isSlowlySeen(MemorySegment page) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    if (random.nextInt(8) == 0) {
      LockSupport.parkNanos(100_000);
    }
    return random.nextInt(4) == 0;
  }

  // ---- Keys that belong to one thread each

  /// Each writer owns the keys of which one number in two is its own; of each pair of twins one.
  @Test
  void everyThreadSeesWhatWasPutLast() throws Exception {
    KvStore store = open(new Residency(BlindWritesTest::isHalf), 1 << 20);
    List<String> keys = new ArrayList<>(twins());
    int twins = keys.size();
    for (int i = 0; i < KEYS; i++) {
      keys.add("key" + i);
    }
    Map<String, Integer> written = new ConcurrentHashMap<>();
    for (String key : keys) {
      store.put(bytes(key), bytes(0));
      written.put(key, 0);
    }
    try (Crew crew = new Crew()) {
      for (int i = 0; i < WRITERS; i++) {
        int writer = i;
        crew.untilStopped("writer " + i, () -> writeOwn(store, keys, twins, written, writer));
      }
      crew.untilStopped("reader", () -> readAny(store, keys, twins, written))
          .untilStopped("walker", () -> walk(store, keys.size()))
          .runFor(5_000);
    }
    requireWritten(store, keys, written);
    store.compact();
    requireWritten(store, keys, written);
    store.close();
    assertThat(path.resolve("INDEX")).exists();
    try (KvStore again = open(new Residency(), 1 << 20)) {
      requireWritten(again, keys, written);
    }
  }

  /// A key of a writer's own, every fourth time one that has a twin.
  private static void writeOwn(
      KvStore store, List<String> keys, int twins, Map<String, Integer> written, int writer) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    int range = random.nextInt(4) == 0 ? twins : keys.size();
    String key = keys.get(random.nextInt(range / WRITERS) * WRITERS + writer);
    byte[] name = bytes(key);
    int number = written.get(key);
    assertThat(store.get(name)).as(key).isEqualTo(bytes(number));
    number++;
    if (random.nextInt(8) == 0) {
      assertThat(store.delete(name)).as(key).isTrue();
      assertThat(store.get(name)).as(key).isNull();
      assertThat(store.putIfAbsent(name, bytes(number))).as(key).isTrue();
    } else {
      store.put(name, bytes(number));
    }
    written.put(key, number);
  }

  /// What is read was written no earlier than what had been told before; or it is deleted just then.
  private static void readAny(
      KvStore store, List<String> keys, int twins, Map<String, Integer> written) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    String key = keys.get(random.nextInt(random.nextBoolean() ? twins : keys.size()));
    int least = written.get(key);
    byte[] value = store.get(bytes(key));
    if (value != null) {
      assertThat(Integer.parseInt(new String(value, StandardCharsets.UTF_8)))
          .as(key)
          .isGreaterThanOrEqualTo(least);
    }
  }

  /// At any moment each writer has deleted one key at most; during a walk, many.
  private static void walk(KvStore store, long keys) {
    assertThat(store.keys().distinct().count()).isBetween(keys / 2, keys);
    assertThat(store.size()).isBetween(keys - WRITERS, keys);
  }

  private static void requireWritten(
      KvStore store, List<String> keys, Map<String, Integer> written) {
    assertThat(store.size()).isEqualTo(keys.size());
    assertThat(store.keys().count()).isEqualTo(keys.size());
    long live = 0;
    for (String key : keys) {
      byte[] value = bytes(written.get(key));
      assertThat(store.get(bytes(key))).as(key).isEqualTo(value);
      live += RecordFormat.recordBytes(bytes(key).length, value.length);
    }
    awaitLiveBytes(store, live);
  }

  // ---- Keys that everybody writes

  @Test
  void aKeyOfManyWritersHasOneEntry() throws Exception {
    try (KvStore store = open(new Residency(BlindWritesTest::isSlowlySeen), 128 << 10)) {
      List<String> keys = twins().subList(0, 10);
      for (int turn = 0; turn < 6; turn++) {
        try (Crew crew = new Crew()) {
          for (int i = 0; i < 3; i++) {
            byte[] own = bytes("own" + i);
            crew.untilStopped("writer " + i, () -> writeAny(store, keys, own));
          }
          crew.untilStopped("walker", () -> store.keys().forEach(key -> {})).runFor(500);
        }
        for (int i = 0; i < 3; i++) {
          store.delete(bytes("own" + i));
        }
        requireOneEntryEach(store, keys);
      }
      for (String key : keys) {
        store.delete(bytes(key));
        assertThat(store.get(bytes(key))).as(key).isNull();
      }
      assertThat(store.size()).isZero();
      assertThat(store.keys().count()).isZero();
      awaitLiveBytes(store, 0);
    }
  }

  private static void putAny(KvStore store, List<String> keys, byte[] own) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    store.put(own, new byte[random.nextInt(30_000)]); // so that segments are full soon
    store.put(bytes(keys.get(random.nextInt(keys.size()))), new byte[random.nextInt(300)]);
  }

  private static void writeAny(KvStore store, List<String> keys, byte[] own) {
    putAny(store, keys, own);
    ThreadLocalRandom random = ThreadLocalRandom.current();
    byte[] key = bytes(keys.get(random.nextInt(keys.size())));
    switch (random.nextInt(5)) {
      case 0 -> store.putIfAbsent(key, new byte[100]);
      case 1 -> store.write(new WriteBatch().delete(key).put(key, new byte[50]));
      default -> store.delete(key);
    }
  }

  private static void requireOneEntryEach(KvStore store, List<String> keys) {
    List<String> walked =
        store.keys().map(key -> new String(key, StandardCharsets.UTF_8)).sorted().toList();
    List<String> present =
        keys.stream().filter(key -> store.get(bytes(key)) != null).sorted().toList();
    assertThat(walked).isEqualTo(present);
    assertThat(store.size()).isEqualTo(present.size());
    long live = 0;
    for (String key : present) {
      byte[] value = store.get(bytes(key));
      live += RecordFormat.recordBytes(bytes(key).length, value == null ? 0 : value.length);
    }
    awaitLiveBytes(store, live);
  }

  /// While compaction moves records, both copies count for a moment.
  private static void awaitLiveBytes(KvStore store, long expected) {
    Awaitility.await()
        .untilAsserted(() -> assertThat(store.stats().liveBytes()).isEqualTo(expected));
  }
}

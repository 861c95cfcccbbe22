package dev.kvstore.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Stats;
import dev.kvstore.WriteBatch;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedClock;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Twins;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Writes that do not see what they replace, with keys that look the same to the index.
@Timeout(120)
class DisplacedTest {
  /// All stores have the same id, and so the same twins, which take their time to find.
  private static final long ID = 7;

  private static final Options OPTIONS =
      Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(4 << 10)
          .compaction(CompactionPolicy.automatic(0.3, 6 << 10))
          .recoveryThreads(1)
          .build();

  @TempDir private Path path;

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  // ---- One thread, compared with a map

  @Test
  void everyAnswerIsThatOfAMap() {
    long end = System.nanoTime() + 4_000_000_000L;
    while (System.nanoTime() < end) {
      Seed.fresh(DisplacedTest::live);
    }
  }

  private static KvStore open(SimulatedDirectory disk, SplittableRandom random) {
    int inMemory = random.nextInt(3);
    Residency residency = new Residency(page -> random.nextInt(4) < inMemory);
    return StoreEngine.open(
        disk.requireLock(),
        OPTIONS,
        new Environment(
            new SimulatedClock(), new SplittableRandom(ID), Workers.inline(), residency, 0));
  }

  private static void live(SplittableRandom random) {
    Map<String, byte[]> expected = new TreeMap<>();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = open(disk, random);
    List<String> keys = new ArrayList<>(Twins.of(Manifest.read(disk).store()).subList(0, 10));
    for (int i = 0; i < 10; i++) {
      keys.add("key" + i);
    }
    for (int step = 0; step < 1500; step++) {
      String key = keys.get(random.nextInt(keys.size()));
      byte[] name = bytes(key);
      byte[] value = new byte[random.nextInt(200)];
      random.nextBytes(value);
      switch (random.nextInt(16)) {
        case 0 -> assertThat(store.delete(name)).isEqualTo(expected.remove(key) != null);
        case 1 ->
            assertThat(store.putIfAbsent(name, value))
                .isEqualTo(expected.putIfAbsent(key, value) == null);
        case 2 -> {
          WriteBatch batch = new WriteBatch();
          for (String each : keys.subList(0, random.nextInt(keys.size()))) {
            if (random.nextInt(4) == 0) {
              batch.delete(bytes(each));
              expected.remove(each);
            } else {
              batch.put(bytes(each), value);
              expected.put(each, value);
            }
          }
          store.write(batch);
        }
        case 3 -> assertThat(store.get(name)).isEqualTo(expected.get(key));
        case 4 -> assertThat(store.contains(name)).isEqualTo(expected.containsKey(key));
        default -> {
          store.put(name, value);
          expected.put(key, value);
        }
      }
      switch (random.nextInt(300)) {
        case 0 -> store.compact();
        case 1, 2, 3 -> requireExpected(store, expected, keys);
        case 4 -> {
          store.close();
          disk = disk.restart();
          store = open(disk, random);
          requireExpected(store, expected, keys);
        }
        case 5 -> {
          SimulatedDirectory next = disk.image().mount();
          store.close();
          disk.discard();
          disk = next;
          store = open(disk, random);
        }
        default -> {}
      }
    }
    requireExpected(store, expected, keys);
    store.compact();
    assertThat(store.stats().garbageBytes()).isZero();
    requireExpected(store, expected, keys);
    store.close();
    disk.discard();
  }

  private static void requireExpected(
      KvStore store, Map<String, byte[]> expected, List<String> keys) {
    assertThat(store.size()).isEqualTo(expected.size());
    Set<String> walked = new HashSet<>();
    store
        .keys()
        .forEach(key -> assertThat(walked.add(new String(key, StandardCharsets.UTF_8))).isTrue());
    assertThat(walked).isEqualTo(expected.keySet());
    List<byte[]> all = keys.stream().map(DisplacedTest::bytes).toList();
    List<byte[]> values = store.getAll(all);
    long live = 0;
    for (int i = 0; i < keys.size(); i++) {
      byte[] value = expected.get(keys.get(i));
      assertThat(store.get(all.get(i))).as(keys.get(i)).isEqualTo(value);
      assertThat(values.get(i)).as(keys.get(i)).isEqualTo(value);
      live += value == null ? 0 : RecordFormat.recordBytes(all.get(i).length, value.length);
    }
    assertThat(store.stats().liveBytes()).isEqualTo(live);
  }

  // ---- One schedule

  private static final int SEGMENT_BYTES = 128 << 10;

  private List<String> twins() {
    try (Directory directory = DiskDirectory.open(path, Access.READ, false)) {
      return Twins.of(Manifest.read(directory).store());
    }
  }

  private KvStore openOnDisk(Residency residency) {
    return open(DiskDirectory.open(path, Access.WRITE, true), residency);
  }

  private static KvStore open(Directory directory, Residency residency) {
    return StoreEngine.open(
        directory,
        OPTIONS.toBuilder()
            .segmentBytesMax(SEGMENT_BYTES)
            .compaction(CompactionPolicy.automatic(0.3, SEGMENT_BYTES))
            .build(),
        new Environment(
            InstantSource.system(), new SplittableRandom(ID), Workers.threads(), residency, 0));
  }

  @Test
  void aKeyThatIsAddedBetweenLookAndTurnIsSeen() throws Exception {
    AtomicReference<Runnable> meanwhile = new AtomicReference<>();
    AtomicBoolean read = new AtomicBoolean();
    Predicate<MemorySegment> onceRead =
        page -> {
          Runnable work = meanwhile.getAndSet(null);
          if (work != null) {
            work.run();
            read.set(true);
            return false;
          }
          return read.get();
        };
    try (KvStore store = openOnDisk(new Residency(onceRead))) {
      List<String> twins = twins();
      byte[] first = bytes(twins.get(0));
      byte[] second = bytes(twins.get(1));
      putSealed(store, first);
      Thread other = new Thread(() -> store.put(second, bytes("2")));
      meanwhile.set(() -> {
        other.start(); // leaves the first, and waits for the append lock
        while (other.getState() != Thread.State.WAITING) {
          Thread.onSpinWait();
        }
      });
      assertThat(store.putIfAbsent(second, bytes("1"))).isTrue();
      other.join();
      assertThat(meanwhile.get()).isNull();
      assertThat(store.size()).isEqualTo(3);
      assertThat(store.keys().count()).isEqualTo(3);
      assertThat(store.get(second)).isEqualTo(bytes("2"));
      assertThat(store.delete(second)).isTrue();
      assertThat(store.get(second)).isNull();
      assertThat(store.get(first)).isEqualTo(bytes("0"));
      assertThat(store.size()).isEqualTo(2);
    }
  }

  /// Puts of keys, each in a segment that is full and sealed then; and the store has noticed that nothing
  /// is in memory.
  private static void putSealed(KvStore store, byte[]... keys) {
    for (byte[] key : keys) {
      store.put(key, bytes("0"));
    }
    store.put(bytes("large"), new byte[2 * SEGMENT_BYTES]);
    Awaitility.await()
        .pollInterval(1, TimeUnit.MILLISECONDS)
        .until(() -> store.stats().segments().getFirst().state() == Stats.State.SEALED);
    for (int i = 0; i < 1000; i++) {
      store.get(keys[0]); // until one has asked whether it is there; all do from then on
    }
  }

  @Test
  void aKeyThatIsDisplacedWhileKeysAreCountedIsCounted() {
    AtomicReference<Runnable> meanwhile = new AtomicReference<>();
    Directory disk = DiskDirectory.open(path, Access.WRITE, true);
    Directory whenRead =
        (Directory)
            Proxy.newProxyInstance(
                Directory.class.getClassLoader(),
                new Class<?>[] {Directory.class},
                (self, method, arguments) -> {
                  Runnable work = meanwhile.get();
                  if (method.getName().equals("openUncached") && work != null) {
                    meanwhile.set(null);
                    work.run();
                  }
                  return method.invoke(disk, arguments);
                });
    try (KvStore store = open(whenRead, new Residency(page -> false))) {
      List<String> twins = twins();
      byte[] first = bytes(twins.get(0));
      byte[] other = bytes("other");
      putSealed(store, first, other);
      store.put(other, bytes("1")); // blind: there is something to settle
      meanwhile.set(() -> store.put(bytes(twins.get(1)), bytes("1")));
      assertThat(store.size()).isEqualTo(4);
      assertThat(meanwhile.get()).isNull();
      assertThat(store.get(first)).isEqualTo(bytes("0"));
    }
  }

  @Test
  void aWalkMeetsWhatIsDisplacedAheadOfIt() {
    try (KvStore store = openOnDisk(new Residency(page -> false))) {
      List<String> twins = twins();
      Set<String> expected = new HashSet<>();
      for (int i = 0; i < twins.size(); i += 2) {
        store.put(bytes(twins.get(i)), bytes("0"));
        expected.add(twins.get(i));
      }
      for (int i = 0; i < 2000; i++) {
        store.put(bytes("other" + i), new byte[200]);
        expected.add("other" + i);
      }
      store.compact(); // which seals all of it
      for (int i = 0; i < 1000; i++) {
        store.get(bytes("other0")); // as above
      }
      Set<String> walked = new HashSet<>();
      Iterator<byte[]> walk = store.keys().iterator();
      walked.add(new String(walk.next(), StandardCharsets.UTF_8));
      for (int i = 1; i < twins.size(); i += 2) {
        store.put(bytes(twins.get(i)), bytes("1")); // displaces the other of its pair
      }
      walk.forEachRemaining(key -> walked.add(new String(key, StandardCharsets.UTF_8)));
      assertThat(walked).containsAll(expected);
    }
  }
}

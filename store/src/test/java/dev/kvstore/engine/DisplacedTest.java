package dev.kvstore.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Stats;
import dev.kvstore.WriteBatch;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedClock;
import dev.kvstore.testkit.SimulatedDirectory;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Writes that do not see what they replace, with keys that look the same to the index.
@Timeout(120)
class DisplacedTest {
  private static final int NAMES = 1_000_000;
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

  /// Pairs of keys of whose hashes the index knows the same; there are some thirty.
  private static List<String> twins(KeyHasher hasher) {
    long[] positions = new long[NAMES];
    for (int i = 0; i < NAMES; i++) {
      positions[i] = HashIndex.positionOf(hasher.hash(bytes("twin" + i))) << 20 | i;
    }
    Arrays.sort(positions);
    List<String> twins = new ArrayList<>();
    for (int i = 1; i < NAMES; i++) {
      if (positions[i] >>> 20 == positions[i - 1] >>> 20) {
        twins.add("twin" + (positions[i - 1] & ((1 << 20) - 1)));
        twins.add("twin" + (positions[i] & ((1 << 20) - 1)));
      }
    }
    assertThat(twins).hasSizeGreaterThan(10);
    return twins;
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
    Residency residency = new Residency(page -> random.nextInt(4) < inMemory, 0);
    return StoreEngine.open(
        disk.requireLock(),
        OPTIONS,
        new Environment(new SimulatedClock(), random.split(), Workers.inline(), residency));
  }

  private static void live(SplittableRandom random) {
    Map<String, byte[]> expected = new TreeMap<>();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = open(disk, random);
    List<String> keys =
        new ArrayList<>(twins(new KeyHasher(Manifest.read(disk).store())).subList(0, 10));
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

  // ---- Many threads

  private static final int KEYS = 60_000;
  private static final int WRITERS = 2;

  /// Each writer owns the keys of which one number in two is its own; of each pair of twins one.
  @Test
  void everyThreadSeesWhatWasPutLast() throws Exception {
    Predicate<MemorySegment> half = page -> (page.address() >>> 12 & 1) == 0;
    KvStore store = openOnDisk(new Residency(half, 0), 1 << 20);
    List<String> keys = twins(hasher());
    for (int i = 0; i < KEYS; i++) {
      keys.add("key" + i);
    }
    Map<String, Integer> written = new ConcurrentHashMap<>();
    keys.forEach(key -> {
      store.put(bytes(key), bytes("0"));
      written.put(key, 0);
    });
    AtomicBoolean done = new AtomicBoolean();
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < WRITERS; i++) {
      int writer = i;
      threads.add(start(failures, done, () -> writeForAWhile(store, keys, written, writer, done)));
    }
    threads.add(start(failures, done, () -> readForAWhile(store, keys, written, done)));
    threads.add(start(failures, done, () -> walkForAWhile(store, keys, done)));
    Thread.sleep(5000);
    done.set(true);
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(failures).isEmpty();
    requireWritten(store, keys, written);
    store.compact();
    requireWritten(store, keys, written);
    store.close();
    assertThat(path.resolve(IndexImage.NAME)).exists();
    try (KvStore again = openOnDisk(new Residency(), 1 << 20)) {
      requireWritten(again, keys, written);
    }
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
    try (KvStore store = openOnDisk(new Residency(onceRead, 0), 128 << 10)) {
      List<String> twins = twins(hasher());
      byte[] first = bytes(twins.get(0));
      byte[] second = bytes(twins.get(1));
      store.put(first, bytes("0"));
      store.put(bytes("other"), new byte[200_000]); // the first is in a full segment now
      while (store.stats().segments().getFirst().state() != Stats.State.SEALED) {
        Thread.sleep(1);
      }
      for (int i = 0; i < 1000; i++) {
        store.get(first); // until one has asked whether it is there; all do from then on
      }
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

  @Test
  void aWalkMeetsWhatIsDisplacedAheadOfIt() {
    try (KvStore store = openOnDisk(new Residency(page -> false, 0), 128 << 10)) {
      List<String> twins = twins(hasher());
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

  /// Between the look of a write into the index and its turn, others add, remove and displace.
  @Test
  void aKeyOfManyWritersHasOneEntry() throws Exception {
    KvStore store = openOnDisk(new Residency(DisplacedTest::isSlowlySeen, 0), 128 << 10);
    List<String> keys = twins(hasher()).subList(0, 10);
    AtomicBoolean done = new AtomicBoolean();
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    for (int turn = 0; turn < 6; turn++) {
      done.set(false);
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        String own = "own" + i;
        threads.add(start(failures, done, () -> writeAnything(store, keys, bytes(own), done)));
      }
      threads.add(start(failures, done, () -> store.keys().forEach(key -> {})));
      Thread.sleep(500);
      done.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(failures).isEmpty();
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
    store.close();
  }

  /// Says for most pages that they are not there, now and then after others have had a turn.
  private static boolean isSlowlySeen(MemorySegment page) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    if (random.nextInt(8) == 0) {
      LockSupport.parkNanos(100_000);
    }
    return random.nextInt(4) == 0;
  }

  /// @param own a key that is written in between, so that segments are full soon
  private static void writeAnything(
      KvStore store, List<String> keys, byte[] own, AtomicBoolean done) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    while (!done.get()) {
      store.put(own, new byte[random.nextInt(30_000)]);
      byte[] key = bytes(keys.get(random.nextInt(keys.size())));
      switch (random.nextInt(8)) {
        case 0, 1, 2 -> store.delete(key);
        case 3 -> store.putIfAbsent(key, new byte[100]);
        case 4 -> store.write(new WriteBatch().delete(key).put(key, new byte[50]));
        default -> store.put(key, new byte[random.nextInt(300)]);
      }
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

  /// While compaction moves records, both copies may count for a moment.
  private static void awaitLiveBytes(KvStore store, long expected) {
    long end = System.nanoTime() + 10_000_000_000L;
    while (store.stats().liveBytes() != expected && System.nanoTime() - end < 0) {
      Thread.onSpinWait();
    }
    assertThat(store.stats().liveBytes()).isEqualTo(expected);
  }

  private KeyHasher hasher() {
    try (Directory directory = DiskDirectory.open(path, Access.READ, false)) {
      return new KeyHasher(Manifest.read(directory).store());
    }
  }

  private KvStore openOnDisk(Residency residency, int segmentBytes) {
    return StoreEngine.open(
        DiskDirectory.open(path, Access.WRITE, true),
        OPTIONS.toBuilder()
            .segmentBytesMax(segmentBytes)
            .compaction(CompactionPolicy.automatic(0.3, segmentBytes))
            .build(),
        new Environment(
            InstantSource.system(), new SplittableRandom(7), Workers.threads(), residency));
  }

  private static Thread start(List<Throwable> failures, AtomicBoolean done, Runnable work) {
    return Thread.ofPlatform()
        .start(() -> {
          try {
            work.run();
          } catch (Throwable e) {
            failures.add(e);
            done.set(true);
          }
        });
  }

  private static void writeForAWhile(
      KvStore store,
      List<String> keys,
      Map<String, Integer> written,
      int writer,
      AtomicBoolean done) {
    SplittableRandom random = new SplittableRandom(writer);
    for (int number = 1; !done.get(); number++) {
      int range = random.nextInt(4) == 0 ? keys.size() - KEYS : keys.size();
      String key = keys.get(random.nextInt(range / WRITERS) * WRITERS + writer);
      byte[] name = bytes(key);
      assertThat(store.get(name)).as(key).isEqualTo(bytes("" + written.get(key)));
      if (random.nextInt(8) == 0) {
        assertThat(store.delete(name)).as(key).isTrue();
        assertThat(store.get(name)).as(key).isNull();
        assertThat(store.putIfAbsent(name, bytes("" + number))).as(key).isTrue();
      } else {
        store.put(name, bytes("" + number));
      }
      written.put(key, number);
    }
  }

  /// What is read was written no earlier than what had been told before; or it is deleted just then.
  private static void readForAWhile(
      KvStore store, List<String> keys, Map<String, Integer> written, AtomicBoolean done) {
    SplittableRandom random = new SplittableRandom(99);
    while (!done.get()) {
      int range = random.nextBoolean() ? keys.size() - KEYS : keys.size();
      String key = keys.get(random.nextInt(range));
      int least = written.get(key);
      byte[] value = store.get(bytes(key));
      if (value != null) {
        assertThat(Integer.parseInt(new String(value, StandardCharsets.UTF_8)))
            .as(key)
            .isGreaterThanOrEqualTo(least);
      }
    }
  }

  private static void walkForAWhile(KvStore store, List<String> keys, AtomicBoolean done) {
    while (!done.get()) {
      // Each writer has deleted at most one at any moment, but may have deleted many while it
      // walks.
      assertThat(store.keys().distinct().count()).isBetween(keys.size() / 2L, (long) keys.size());
      assertThat(store.size()).isBetween((long) keys.size() - WRITERS, (long) keys.size());
    }
  }

  private static void requireWritten(
      KvStore store, List<String> keys, Map<String, Integer> written) {
    assertThat(store.size()).isEqualTo(keys.size());
    assertThat(store.keys().count()).isEqualTo(keys.size());
    long live = 0;
    for (String key : keys) {
      byte[] value = bytes("" + written.get(key));
      assertThat(store.get(bytes(key))).as(key).isEqualTo(value);
      live += RecordFormat.recordBytes(bytes(key).length, value.length);
    }
    awaitLiveBytes(store, live);
  }
}

package dev.kvstore.index;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.LongConsumer;
import java.util.function.LongUnaryOperator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Threads against each other. A key up to STANDING stands from first to last, though its record is
/// replaced all the time; the keys above come and go in waves, so that tables grow and shrink.
@Timeout(60)
class HashIndexConcurrencyTest {
  private static final int STANDING = 2_000;

  private final HashIndex index = new HashIndex();

  // Per key: records of older versions are gone, and their addresses match no longer.
  private final AtomicIntegerArray versions = new AtomicIntegerArray(STANDING + 1);
  private volatile boolean done;

  @Test
  void aStandingKeyIsNeverMissedWhileItsShardGrowsAndShrinks() throws Exception {
    LongUnaryOperator fewShards = key -> Keys.hash((int) key & 3, Keys.mixed(key) & 0xFFFFFF);
    run(
        fewShards,
        30_000,
        12,
        List.of(() -> readStanding(fewShards), () -> readStanding(fewShards)));
  }

  @Test
  void aStandingKeyIsNeverMissedWhileItMovesAroundTheEnd() throws Exception {
    LongUnaryOperator end = key -> Keys.hash(1, 0xFFFFFF - (Keys.mixed(key) & 0x3FF));
    run(end, 500, 25, List.of(() -> readStanding(end), () -> iterate(500)));
  }

  @Test
  void aStandingKeyIsNeverMissedWhileMemoryIsGivenBack() throws Exception {
    run(
        Keys::mixed,
        250_000,
        3,
        List.of(() -> readStanding(Keys::mixed), () -> readStanding(Keys::mixed)));
  }

  @Test
  void anIterationNeitherMissesNorRepeats() throws Exception {
    LongUnaryOperator fewShards = key -> Keys.hash((int) key & 3, Keys.mixed(key) & 0xFFFFFF);
    run(fewShards, 30_000, 8, List.of(() -> iterate(30_000), () -> iterate(30_000)));
  }

  @Test
  void manyEntriesAskedForAtOnceAreAllFoundWhileTheirShardsGrowAndShrink() throws Exception {
    LongUnaryOperator fewShards = key -> Keys.hash((int) key & 3, Keys.mixed(key) & 0xFFFFFF);
    int resting = 64; // keys that nobody replaces, above all others
    long[] hashes = new long[resting];
    long[] addresses = new long[resting];
    for (int i = 0; i < resting; i++) {
      hashes[i] = fewShards.applyAsLong(100_000 + i);
      addresses[i] = Keys.address(100_000 + i, 0);
      index.insert(hashes[i], addresses[i]);
    }
    Runnable asking =
        () -> {
          boolean[] found = new boolean[resting];
          do {
            index.containsAll(hashes, addresses, resting, found);
            for (boolean each : found) if (!each) throw new AssertionError("missed");
          } while (!done);
        };
    run(fewShards, 30_000, 8, List.of(asking, () -> readStanding(fewShards)), resting);
  }

  /// The JVM interrupts whoever reads memory that is being closed, which happens once or twice in some
  /// seconds here.
  @Test
  void nobodyIsInterruptedByMemoryThatIsGivenBack() throws Exception {
    int asked = 500; // of one shard
    long[] hashes = LongStream.rangeClosed(1, asked).map(i -> Keys.hash(17, i << 14)).toArray();
    long[] addresses = LongStream.rangeClosed(1, asked).toArray();
    boolean[] found = new boolean[asked];
    run(
        Keys::mixed,
        250_000,
        8,
        List.of(
            () -> stayUninterrupted(key -> index.contains(Keys.mixed(key), Keys.address(key, 0))),
            () -> stayUninterrupted(key -> index.touch(Keys.mixed(key))),
            () -> stayUninterrupted(key -> index.guess(Keys.mixed(key))),
            () -> stayUninterrupted(key -> index.containsAll(hashes, addresses, asked, found))));
  }

  private void stayUninterrupted(LongConsumer reading) {
    for (long key = 1; !done; key = key % 250_000 + 1) {
      reading.accept(key);
      if (Thread.interrupted()) throw new AssertionError("interrupted");
    }
  }

  @Test
  void ofReplacingManyAndRemovingOneEachEntryMeetsOne() throws Exception {
    int keys = 40_000;
    for (int key = 1; key <= keys; key++) index.insert(Keys.mixed(key), Keys.address(key, 0));
    boolean[] replaced = new boolean[keys + 1];
    boolean[] removed = new boolean[keys + 1];
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Future<?> replacing = threads.submit(() -> replaceHundreds(keys, replaced));
      Future<?> removing =
          threads.submit(() -> {
            for (int key = keys; key > 0; key--) {
              removed[key] = index.remove(Keys.mixed(key), Keys.address(key, 0));
            }
          });
      replacing.get();
      removing.get();
    }
    for (int key = 1; key <= keys; key++) {
      if (replaced[key] == removed[key]) throw new AssertionError("key " + key);
      long expected = replaced[key] ? Keys.address(key, 1) : HashIndex.NONE;
      if (index.find(Keys.mixed(key), Keys.is(key)) != expected) throw new AssertionError(key);
    }
    index.close();
  }

  private void replaceHundreds(int keys, boolean[] replaced) {
    for (int first = 1; first <= keys; first += 100) {
      int from = first;
      long[] hashes = LongStream.range(from, from + 100).map(Keys::mixed).toArray();
      long[] old = LongStream.range(from, from + 100).map(key -> Keys.address(key, 0)).toArray();
      long[] next = LongStream.range(from, from + 100).map(key -> Keys.address(key, 1)).toArray();
      boolean[] answers = new boolean[100];
      index.replaceAll(hashes, old, next, 100, answers);
      System.arraycopy(answers, 0, replaced, from, 100);
    }
  }

  @Test
  void severalWritersLoseNothing() throws Exception {
    int writers = 4;
    int keys = 60_000;
    try (ExecutorService threads = Executors.newFixedThreadPool(writers)) {
      List<Future<?>> running = new ArrayList<>();
      for (int writer = 0; writer < writers; writer++) {
        int first = writer * keys + 1;
        running.add(threads.submit(() -> insertAllRemoveHalf(first, first + keys)));
      }
      for (Future<?> each : running) each.get();
    }
    assertThat(index.size()).isEqualTo((long) writers * keys / 2);
    for (long key = 1; key <= (long) writers * keys; key++) {
      long expected = key % 2 == 0 ? Keys.address(key, 1) : HashIndex.NONE;
      if (index.find(Keys.mixed(key), Keys.is(key)) != expected) throw new AssertionError(key);
    }
    index.close();
  }

  private void insertAllRemoveHalf(int from, int to) {
    for (int key = from; key < to; key++) index.insert(Keys.mixed(key), Keys.address(key, 0));
    for (int key = from; key < to; key++) {
      boolean right =
          key % 2 == 0
              ? index.replace(Keys.mixed(key), Keys.address(key, 0), Keys.address(key, 1))
              : index.remove(Keys.mixed(key), Keys.address(key, 0));
      if (!right) throw new AssertionError("key " + key);
    }
  }

  private void run(LongUnaryOperator hash, int passing, int waves, List<Runnable> readers)
      throws Exception {
    run(hash, passing, waves, readers, 0);
  }

  private void run(
      LongUnaryOperator hash, int passing, int waves, List<Runnable> readers, int resting)
      throws Exception {
    for (int key = 1; key <= STANDING; key++) {
      index.insert(hash.applyAsLong(key), Keys.address(key, 0));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(readers.size())) {
      List<Future<?>> running = new ArrayList<>();
      for (Runnable reader : readers) running.add(threads.submit(reader));
      try {
        for (int wave = 0; wave < waves; wave++) wave(hash, passing);
      } finally {
        done = true;
      }
      for (Future<?> each : running) each.get();
    }
    assertThat(index.size()).isEqualTo(STANDING + resting);
    index.close();
  }

  private void wave(LongUnaryOperator hash, int passing) {
    for (int i = 1; i <= passing; i++) {
      long key = (long) STANDING + i;
      index.insert(hash.applyAsLong(key), Keys.address(key, 0));
      replaceOne(hash, 1 + i % STANDING);
    }
    for (int i = 1; i <= passing; i++) {
      long key = (long) STANDING + i;
      if (!index.remove(hash.applyAsLong(key), Keys.address(key, 0))) throw new AssertionError(key);
      replaceOne(hash, 1 + i % STANDING);
    }
  }

  private void replaceOne(LongUnaryOperator hash, int key) {
    int version = versions.get(key);
    long old = Keys.address(key, version);
    if (!index.replace(hash.applyAsLong(key), old, Keys.address(key, version + 1))) {
      throw new AssertionError("key " + key);
    }
    versions.set(key, version + 1);
  }

  private void readStanding(LongUnaryOperator hash) {
    var random = new SplittableRandom(Thread.currentThread().threadId());
    var wanted =
        new KeyMatcher() {
          int key;

          @Override
          public boolean matches(long address) {
            return Keys.key(address) == key
                && ((address - Keys.address(key, versions.get(key))) & 0xFFFF) < 2;
          }
        };
    do {
      wanted.key = 1 + random.nextInt(STANDING);
      long address = index.find(hash.applyAsLong(wanted.key), wanted);
      if (Keys.key(address) != wanted.key) throw new AssertionError("missed " + wanted.key);
    } while (!done);
  }

  private void iterate(int passing) {
    do {
      var seen = new BitSet();
      long position = HashIndex.START;
      while (position != HashIndex.END) {
        position =
            index.collect(
                position,
                address -> {
                  int key = (int) Keys.key(address);
                  if (seen.get(key)) throw new AssertionError("repeated " + key);
                  seen.set(key);
                });
      }
      if (seen.nextClearBit(1) <= STANDING) {
        throw new AssertionError("missed " + seen.nextClearBit(1));
      }
      if (seen.length() > STANDING + passing + 1) throw new AssertionError(seen.length());
    } while (!done);
  }
}

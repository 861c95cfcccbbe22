package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreException;
import dev.kvstore.StoreTooLargeException;
import dev.kvstore.WriteBatch;
import dev.kvstore.index.HashIndex;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Small heaps, large keys and values.
@Timeout(180)
class LimitsTest {
  @TempDir private Path temporary;

  private ChildJvm start(String heap, Class<?> main, Object... arguments) {
    return ChildJvm.start(
        temporary.resolve("out" + main.getSimpleName() + arguments.length),
        List.of(),
        List.of(heap),
        main,
        arguments);
  }

  @Test
  void twoHundredMegabytesOfValuesNeedASmallHeapOnly() {
    try (ChildJvm child =
        start("-Xmx64m", SmallHeap.class, temporary.resolve("store"), 2000, 100_000)) {
      assertThat(child.awaitEnd()).contains("all there");
    }
  }

  @Test
  void manySmallEntriesNeedASmallHeapOnly() {
    try (ChildJvm child =
        start("-Xmx64m", SmallHeap.class, temporary.resolve("store"), 100_000, 40)) {
      assertThat(child.awaitEnd()).contains("all there");
    }
  }

  /// Main class: writes, overwrites half, compacts, reopens and reads.
  static final class SmallHeap {
    private SmallHeap() {}

    private static Options options() {
      return Options.builder()
          .durability(Durability.OS)
          .compaction(CompactionPolicy.manual())
          .build();
    }

    private static byte[] key(int number) {
      return ByteBuffer.allocate(8).putLong(number).array();
    }

    private static byte[] value(int number, int size) {
      byte[] value = new byte[size];
      ByteBuffer.wrap(value).putInt(number).putInt(size - 4, number);
      return value;
    }

    public static void main(String[] arguments) {
      Path directory = Path.of(arguments[0]);
      int keys = Integer.parseInt(arguments[1]);
      int size = Integer.parseInt(arguments[2]);
      try (KvStore store = KvStore.open(directory, options())) {
        for (int number = 0; number < keys; number++) {
          store.put(key(number), value(number, size));
        }
        for (int number = 0; number < keys; number += 2) {
          store.put(key(number), value(number, size));
        }
        System.out.println(store.compact());
        requireAll(store, keys, size);
      }
      try (KvStore store = KvStore.open(directory, options())) {
        requireAll(store, keys, size);
        System.out.println("all there");
      }
    }

    private static void requireAll(KvStore store, int keys, int size) {
      for (int number = 0; number < keys; number++) {
        byte[] found = store.get(key(number));
        if (!Arrays.equals(found, value(number, size))) {
          throw new IllegalStateException("key " + number);
        }
      }
      if (store.keys().count() != keys) {
        throw new IllegalStateException("count");
      }
    }
  }

  @Test
  void keysAndValuesOverTheLimitsAreRefusedBeforeAnythingIsAllocated() {
    try (ChildJvm child = start("-Xmx1900m", AtTheLimits.class, temporary.resolve("store"))) {
      assertThat(child.awaitEnd()).contains("as documented");
    }
  }

  /// Main class: at the limits, with a heap that has room for one largest value and no second.
  static final class AtTheLimits {
    private AtTheLimits() {}

    public static void main(String[] arguments) {
      Options options =
          Options.builder().durability(Durability.OS).compaction(CompactionPolicy.manual()).build();
      try (KvStore store = KvStore.open(Path.of(arguments[0]), options)) {
        for (int length : new int[] {1, 65_534, 65_535}) {
          byte[] key = new byte[length];
          key[length - 1] = 1;
          store.put(key, key);
          require(Arrays.equals(store.get(key), key), "key of " + length);
        }
        byte[] longKey = new byte[KvStore.KEY_BYTES_MAX + 1];
        byte[] large = new byte[KvStore.VALUE_BYTES_MAX + 1];
        byte[] key = {2};
        long before = store.lastSequence();
        refused("a key", () -> store.put(longKey, key));
        refused("a key", () -> store.get(longKey));
        refused("a key", () -> store.delete(longKey));
        refused("a key", () -> store.contains(longKey));
        refused("a key", () -> store.write(new WriteBatch().put(longKey, key)));
        refused("a value", () -> store.put(key, large));
        refused("a value", () -> store.compareAndSet(key, null, large));
        refused("a value", () -> store.putIfAbsent(key, large));
        refused("a value", () -> store.write(new WriteBatch().put(key, key).put(key, large)));
        require(store.lastSequence() == before, "something was written");
        require(store.size() == 3, "size " + store.size());
        store.put(key, key);
        require(Arrays.equals(store.get(key), key), "the store goes on");
        System.out.println("as documented");
      }
    }

    private static void refused(String what, Runnable call) {
      try {
        call.run();
      } catch (StoreTooLargeException e) {
        require(e.getMessage().startsWith(what), e.getMessage());
        require(e.bytes() == e.bytesMax() + 1, e.getMessage());
        return;
      }
      throw new IllegalStateException(what + " over the limit was accepted");
    }

    static void require(boolean holds, String what) {
      if (!holds) {
        throw new IllegalStateException(what);
      }
    }
  }

  @Test
  void aBatchThatTakesMoreMemoryThanThereIsHarmsNobody() {
    try (ChildJvm child = start("-Xmx64m", TooLittleHeap.class, temporary.resolve("store"))) {
      assertThat(child.awaitEnd()).contains("goes on");
    }
  }

  /// Main class: reads a value that does not fit its heap.
  static final class TooLittleHeap {
    private TooLittleHeap() {}

    public static void main(String[] arguments) {
      try (KvStore store = KvStore.open(Path.of(arguments[0]))) {
        WriteBatch batch = new WriteBatch();
        byte[] piece = new byte[4 << 20];
        for (int number = 0; number < 50; number++) {
          batch.put(new byte[] {(byte) (number + 1)}, piece); // the same array: 200 MB of log
        }
        store.write(batch);
        store.put("k", "v");
        AtTheLimits.require(store.size() == 51, "size");
        try {
          store.getAll(batch.mutations().stream().map(dev.kvstore.Mutation::key).toList());
          throw new IllegalStateException("200 MB in 64");
        } catch (OutOfMemoryError e) {
          // Nothing else is to be expected.
        }
        AtTheLimits.require(store.getString("k").orElse("").equals("v"), "get");
        store.put("k", "w");
        store.compact();
        AtTheLimits.require(
            store.get(new byte[] {7}, memory -> memory.byteSize()).orElse(0L) == 4 << 20, "size");
        System.out.println("goes on");
      }
    }
  }

  @Test
  void aHugeValueSurvivesAKill() {
    Path directory = temporary.resolve("store");
    try (ChildJvm child = start("-Xmx1100m", HugeValue.class, directory, "write")) {
      child.awaitSaid("acknowledged");
      child.kill();
    }
    try (ChildJvm child = start("-Xmx1100m", HugeValue.class, directory, "read", "again")) {
      assertThat(child.awaitEnd()).contains("the same");
    }
  }

  /// Main class: one value of 300 MB.
  static final class HugeValue {
    private static final byte[] KEY = "huge".getBytes(StandardCharsets.US_ASCII);

    private HugeValue() {}

    public static void main(String[] arguments) throws Exception {
      byte[] value = new byte[300_000_000];
      new Random(1).nextBytes(value);
      KvStore store = KvStore.open(Path.of(arguments[0]));
      if (arguments[1].equals("write")) {
        store.put(KEY, value);
        System.out.println("acknowledged");
        Thread.sleep(Long.MAX_VALUE); // until it is killed
      }
      if (!Arrays.equals(store.get(KEY), value)) {
        throw new IllegalStateException("another value");
      }
      store.put(KEY, KEY);
      store.compact();
      AtTheLimits.require(store.stats().diskBytes() < 1 << 20, "space is not given back");
      store.close();
      System.out.println("the same");
    }
  }

  @Test
  void aStoreWhoseCallersRunOutOfMemoryIsNotDamaged() {
    Path directory = temporary.resolve("store");
    try (ChildJvm child = start("-Xmx48m", OutOfMemory.class, directory)) {
      assertThat(child.awaitEnd()).contains("all there");
    }
  }

  @Test
  void aRemovalThatFindsNoMemoryToShrinkTheIndexIsDoneAndTheIndexShrinksLater() {
    try (ChildJvm child = start("-Xmx48m", NoMemoryToShrink.class)) {
      assertThat(child.awaitEnd()).contains("all gone");
    }
  }

  /// Main class: removes from one part of an index while the heap is full, and all of it later.
  static final class NoMemoryToShrink {
    private static final int ENTRIES = 2_000_000;
    private static final int WHILE_FULL = 650; // of the 1953 of a part: too few for its table
    private static Object @Nullable [] ballast;

    private NoMemoryToShrink() {}

    private static long hash(long number) {
      return number * 0x9E3779B97F4A7C15L; // the multiples of the golden ratio lie evenly
    }

    public static void main(String[] arguments) {
      try (HashIndex index = new HashIndex()) {
        for (int number = 1; number <= ENTRIES; number++) {
          index.insert(hash(number), number);
        }
        long full = index.bytes();
        int part = HashIndex.shardOf(hash(1));
        remove(index, 1, 10, part); // so that all classes are linked
        fillHeap();
        int removed = remove(index, 11, WHILE_FULL * HashIndex.SHARDS, part);
        requireFullHeap();
        ballast = null;
        AtTheLimits.require(removed > 600, removed + " removed");
        for (int number = 1; number <= ENTRIES; number++) {
          index.remove(hash(number), number);
        }
        AtTheLimits.require(index.size() == 0, "size " + index.size());
        AtTheLimits.require(index.bytes() < full / 5, "bytes " + index.bytes() + " of " + full);
      }
      System.out.println("all gone");
    }

    /// Removes what is there of one part.
    private static int remove(HashIndex index, int from, int to, int part) {
      int removed = 0;
      for (int number = from; number <= to; number++) {
        long hash = hash(number);
        if (HashIndex.shardOf(hash) == part && index.remove(hash, number)) {
          removed++;
          if (index.contains(hash, number)) {
            throw new IllegalStateException("still there");
          }
        }
      }
      return removed;
    }

    private static void requireFullHeap() {
      try {
        AtTheLimits.require(new byte[2048].length == 0, "the heap was not full");
      } catch (OutOfMemoryError e) {
        // As meant.
      }
    }

    private static void fillHeap() {
      for (int size : new int[] {1 << 20, 1 << 14, 1 << 9, 1 << 6, 2}) {
        try {
          while (true) {
            Object[] more = new Object[size];
            more[0] = ballast;
            ballast = more;
          }
        } catch (OutOfMemoryError e) {
          // Full, but for smaller ones.
        }
      }
    }
  }

  /// Main class: fills the heap while it uses the store.
  static final class OutOfMemory {
    private OutOfMemory() {}

    public static void main(String[] arguments) {
      Path directory = Path.of(arguments[0]);
      Options options =
          Options.builder()
              .durability(Durability.OS)
              .segmentBytesMax(1 << 20)
              .compaction(CompactionPolicy.manual())
              .build();
      int acknowledged = 0;
      int refused = 0;
      try (KvStore store = KvStore.open(directory, options)) {
        // Once around, so that all classes are linked: the JVM remembers for good if that fails.
        for (; acknowledged < 300; acknowledged++) {
          store.put(ByteBuffer.allocate(8).putLong(acknowledged).array(), new byte[8000]);
        }
        java.util.ArrayList<byte[]> ballast = new java.util.ArrayList<>();
        for (int round = 0; round < 5; round++) {
          try {
            while (true) {
              ballast.add(new byte[64 << 10]);
            }
          } catch (OutOfMemoryError e) {
            // Full.
          }
          for (int number = 0; number < 300; number++) {
            try {
              store.put(ByteBuffer.allocate(8).putLong(acknowledged).array(), new byte[8000]);
              acknowledged++;
            } catch (OutOfMemoryError e) {
              refused++;
            } catch (StoreException e) {
              refused++;
            }
          }
          ballast.clear();
        }
        AtTheLimits.require(store.size() >= acknowledged, "size");
      } catch (StoreException e) {
        System.out.println("close: " + e);
      }
      try (KvStore store = KvStore.open(directory, options)) {
        for (int number = 0; number < acknowledged; number++) {
          AtTheLimits.require(
              store.get(ByteBuffer.allocate(8).putLong(number).array()) != null, "key " + number);
        }
      }
      System.out.println("all there, " + refused + " refused");
    }
  }
}

package dev.kvstore.lincheck;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.WriteBatch;
import dev.kvstore.engine.Environment;
import dev.kvstore.engine.StoreEngine;
import dev.kvstore.testkit.SimulatedDirectory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The store on a disk in memory, with segments of a few records, so that they are sealed and compacted
/// all the time. Every call on a key takes effect at one moment between its beginning and its end.
///
/// - A batch is all or nothing to a crash and to whoever writes; readers, who take no lock, may come
///   between its changes. So two of its keys are never read here, and are compared by writes.
/// - An iteration has no moment of its own. What is promised is checked as an answer that is always yes:
///   keys that stand from the first to the last are delivered, none twice.
///
/// One store serves all histories: each begins by deleting what the one before has left, in the middle of
/// whatever sealing and compaction are at.
@Param(name = "key", gen = IntGen.class, conf = "0:2")
@Param(name = "value", gen = IntGen.class, conf = "1:3")
public class StoreLinearizabilityTest {
  private static final int KEYS = 3;
  private static final int STANDING = 20;
  private static final int VALUE_BYTES = 200;

  /// Histories after which the store is closed and opened again.
  private static final int HISTORIES_OPEN = 500;

  private static final byte[] LEFT = bytes("left");
  private static final byte[] RIGHT = bytes("right");
  private static final byte[] NUMBER = bytes("number");

  // Lincheck makes an object for each history, one after the other.
  private static @Nullable SimulatedDirectory directory;
  private static @Nullable KvStore open;
  private static int histories;

  private final KvStore store;

  public StoreLinearizabilityTest() {
    store = storeForTheNext();
    for (int key = 0; key < KEYS; key++) {
      store.delete(key(key));
    }
    store.delete(NUMBER);
    store.write(new WriteBatch().put(LEFT, value(0)).put(RIGHT, value(0)));
  }

  private static synchronized KvStore storeForTheNext() {
    SimulatedDirectory disk = directory;
    KvStore current = open;
    if (histories++ % HISTORIES_OPEN == 0 || disk == null || current == null) {
      if (current != null) {
        current.close();
      }
      disk = disk == null ? SimulatedDirectory.empty() : disk;
      current = StoreEngine.open(disk, options(), Environment.system());
      for (int standing = 0; standing < STANDING; standing++) {
        current.put(bytes("standing" + standing), value(1));
      }
      directory = disk;
      open = current;
    }
    return current;
  }

  private static Options options() {
    return Options.builder()
        .durability(Durability.OS)
        .segmentBytesMax(16 << 10)
        .compaction(CompactionPolicy.automatic(0.3, 16 << 10))
        .build();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] key(int key) {
    return bytes("key" + key);
  }

  private static byte[] value(int value) {
    byte[] bytes = new byte[VALUE_BYTES];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  private static int value(byte @Nullable [] bytes) {
    if (bytes == null) {
      return 0;
    }
    if (!Arrays.equals(bytes, value(bytes[0]))) {
      throw new AssertionError("no value that was ever written");
    }
    return bytes[0];
  }

  // ---- One key

  @Operation
  public void put(@Param(name = "key") int key, @Param(name = "value") int value) {
    store.put(key(key), value(value));
  }

  @Operation
  public void putDurably(@Param(name = "key") int key, @Param(name = "value") int value) {
    store.withDurability(Durability.ALWAYS).put(key(key), value(value));
  }

  @Operation
  public int get(@Param(name = "key") int key) {
    return value(store.get(key(key)));
  }

  @Operation
  public boolean contains(@Param(name = "key") int key) {
    return store.contains(key(key));
  }

  @Operation
  public boolean delete(@Param(name = "key") int key) {
    return store.delete(key(key));
  }

  @Operation
  public boolean putIfAbsent(@Param(name = "key") int key, @Param(name = "value") int value) {
    return store.putIfAbsent(key(key), value(value));
  }

  @Operation
  public boolean compareAndSet(
      @Param(name = "key") int key,
      @Param(name = "value") int expected,
      @Param(name = "value") int value) {
    return store.compareAndSet(key(key), value(expected), value(value));
  }

  @Operation
  public boolean compareAndDelete(
      @Param(name = "key") int key, @Param(name = "value") int expected) {
    return store.compareAndSet(key(key), value(expected), null);
  }

  @Operation
  public int getAmongOthers(@Param(name = "key") int key) {
    return value(store.getAll(List.of(bytes("standing3"), key(key), bytes("absent"))).get(1));
  }

  @Operation
  public long increment(@Param(name = "value") int delta) {
    return store.increment(NUMBER, delta);
  }

  // ---- Several keys

  /// Both get the same value, at once as far as writers can tell.
  @Operation
  public void batch(@Param(name = "value") int value) {
    store.write(new WriteBatch().put(LEFT, value(value)).put(RIGHT, value(value)));
  }

  @Operation
  public boolean compareAndSetLeft(
      @Param(name = "value") int expected, @Param(name = "value") int value) {
    return store.compareAndSet(LEFT, value(expected), value(value));
  }

  @Operation
  public boolean compareAndSetRight(
      @Param(name = "value") int expected, @Param(name = "value") int value) {
    return store.compareAndSet(RIGHT, value(expected), value(value));
  }

  @Operation
  public boolean iterationDeliversWhatStands() {
    Map<String, Integer> seen = new HashMap<>();
    try (Stream<byte[]> keys = store.keys()) {
      keys.forEach(key -> seen.merge(new String(key, StandardCharsets.US_ASCII), 1, Integer::sum));
    }
    boolean standing = seen.containsKey("left") && seen.containsKey("right");
    for (int i = 0; i < STANDING; i++) {
      standing &= seen.containsKey("standing" + i);
    }
    return standing && seen.values().stream().allMatch(times -> times == 1);
  }

  @Operation
  public boolean getAllFindsWhatStands() {
    List<byte @Nullable []> found =
        store.getAll(List.of(bytes("standing3"), LEFT, bytes("absent"), RIGHT));
    return value(found.get(0)) == 1
        && found.get(1) != null
        && found.get(2) == null
        && found.get(3) != null;
  }

  @Operation(nonParallelGroup = "compaction")
  public void compact() {
    store.compact();
  }

  /// Spreads the calls of a thread over the milliseconds that a compaction takes.
  @Operation
  public void pause() {
    LockSupport.parkNanos(500_000);
  }

  /// What must come out, in an order that Lincheck finds or does not.
  public static class Specification {
    private final Map<Integer, Integer> values = new HashMap<>();
    private int left;
    private int right;
    private long number;

    public void put(int key, int value) {
      values.put(key, value);
    }

    public void putDurably(int key, int value) {
      values.put(key, value);
    }

    public int get(int key) {
      return values.getOrDefault(key, 0);
    }

    public int getAmongOthers(int key) {
      return values.getOrDefault(key, 0);
    }

    public long increment(int delta) {
      number += delta;
      return number;
    }

    public boolean contains(int key) {
      return values.containsKey(key);
    }

    public boolean delete(int key) {
      return values.remove(key) != null;
    }

    public boolean putIfAbsent(int key, int value) {
      return values.putIfAbsent(key, value) == null;
    }

    public boolean compareAndSet(int key, int expected, int value) {
      return values.replace(key, expected, value);
    }

    public boolean compareAndDelete(int key, int expected) {
      return values.remove(key, expected);
    }

    public void batch(int value) {
      left = value;
      right = value;
    }

    public boolean compareAndSetLeft(int expected, int value) {
      boolean matches = left == expected;
      left = matches ? value : left;
      return matches;
    }

    public boolean compareAndSetRight(int expected, int value) {
      boolean matches = right == expected;
      right = matches ? value : right;
      return matches;
    }

    public boolean iterationDeliversWhatStands() {
      return true;
    }

    public boolean getAllFindsWhatStands() {
      return true;
    }

    public void compact() {}

    public void pause() {}
  }

  // ---- The tests

  @Test
  void threadsAgainstEachOtherHaveAnOrder() {
    check(new Effort(3, 60));
  }

  @Test
  @Tag("torture")
  void threadsAgainstEachOtherHaveAnOrderForLong() {
    check(new Effort(60, 2000).times(Effort.minutes() / 4));
  }

  private static void check(Effort effort) {
    try {
      effort
          .stress()
          .minimizeFailedScenario(false) // each attempt would take as long as all that went before
          .sequentialSpecification(Specification.class)
          .check(StoreLinearizabilityTest.class);
    } finally {
      discard();
    }
  }

  private static synchronized void discard() {
    KvStore current = open;
    if (current != null) {
      current.close();
    }
    open = null;
    SimulatedDirectory disk = directory;
    if (disk != null) {
      disk.discard();
    }
    directory = null;
  }
}

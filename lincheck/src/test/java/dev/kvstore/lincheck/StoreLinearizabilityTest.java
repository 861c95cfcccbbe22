package dev.kvstore.lincheck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionJob;
import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.WriteBatch;
import dev.kvstore.engine.Environment;
import dev.kvstore.engine.StoreEngine;
import dev.kvstore.testkit.Call;
import dev.kvstore.testkit.SimulatedDirectory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The store on a disk in memory. Every call on a key takes effect at one moment between its beginning and
/// its end.
///
/// - A batch is all or nothing to a crash and to whoever writes; readers, who take no lock, may come
///   between its changes. So one of its two keys is never read here, but compared by writes.
/// - An iteration has no moment of its own. What is promised is checked as an answer that is always yes:
///   keys that stand from the first to the last are delivered, none twice.
///
/// A few values fill a segment: so every few writes one waits for the next segment, which gives the append
/// lock to others. Calls that end in `Meanwhile` come while compaction copies. [Subject] counts segments and
/// compactions, and fails the test if there were none.
@Param(name = "key", gen = IntGen.class, conf = "0:1")
@Param(name = "value", gen = IntGen.class, conf = "1:2")
public class StoreLinearizabilityTest {
  private static final int KEYS = 2;
  private static final int STANDING = 8;
  private static final int VALUE_BYTES = 3000;

  private static final Options OPTIONS =
      Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(8 << 10)
          .compaction(CompactionPolicy.automatic(0.3, 32 << 10))
          .build();

  private static final byte[] LEFT = bytes("left");
  private static final byte[] RIGHT = bytes("right");
  private static final byte[] NUMBER = bytes("number");

  /// One store for all histories of a test, since Lincheck makes an object for each of them, one after the
  /// other: each begins by deleting what the one before has left, in the middle of whatever sealing and
  /// compaction are at. Now and then it is closed and opened again, and must hold what it held.
  private static final class Subject {
    private static final int HISTORIES_OPEN = 50;
    private static final long WAIT_MOST_NANOS = 10_000_000;

    // What has happened in all histories.
    private final AtomicLong segments = new AtomicLong(); // begun, by writers
    private final AtomicLong copies = new AtomicLong(); // begun, by compaction
    private final AtomicLong copiesOfValues = new AtomicLong(); // of compactions on demand
    private final AtomicLong writesMeanwhile = new AtomicLong();

    private volatile boolean copying;

    // Guarded by this.
    private SimulatedDirectory disk = SimulatedDirectory.empty().observe(this::see);
    private KvStore store = StoreEngine.open(disk, OPTIONS, Environment.system());
    private @Nullable CompactionJob lastJob;
    private int histories = -1; // the object that JUnit makes plays none

    Subject() {
      for (int number = 0; number < STANDING; number++) {
        store.put(standing(number), value(0, 1));
      }
    }

    private void see(Call call, boolean halfWay) {
      if (halfWay || !call.file().endsWith(".seg")) {
        return;
      }
      boolean byCompaction = Thread.currentThread().getName().equals("store-compact");
      boolean begun = call.operation().equals("create");
      if (begun) {
        (byCompaction ? copies : segments).incrementAndGet();
      }
      if (byCompaction && (begun || call.operation().equals("remove"))) {
        copying = begun;
      }
    }

    /// Begins a history; returns its number.
    synchronized int next() {
      if (++histories % HISTORIES_OPEN == HISTORIES_OPEN - 1) {
        reopen();
      }
      return histories;
    }

    synchronized KvStore store() {
      return store;
    }

    private void reopen() {
      Map<String, Integer> before = content();
      store.close();
      disk = disk.restart().observe(this::see); // which forgets files that are gone
      if (disk.list().contains("INDEX")) {
        disk.remove("INDEX"); // so that the index is made from what the segments hold
      }
      store = StoreEngine.open(disk, OPTIONS, Environment.system());
      Map<String, Integer> after = content();
      if (!after.equals(before)) {
        throw new AssertionError("it held " + before + ", and opened again holds " + after);
      }
    }

    private Map<String, Integer> content() {
      try (Stream<Entry> entries = store.entries()) {
        return entries.collect(
            Collectors.toMap(
                entry -> new String(entry.key(), StandardCharsets.US_ASCII),
                entry -> Arrays.hashCode(entry.value().toBytes())));
      }
    }

    /// Starts a compaction or joins the one that runs.
    synchronized CompactionJob startCompaction() {
      KvStore compacted = store;
      long before = compacted.lastSequence();
      CompactionJob job = compacted.startCompaction();
      if (!job.equals(lastJob)) {
        lastJob = job;
        job.future()
            .thenAccept(report -> {
              if (report.bytesWritten() > VALUE_BYTES) { // more than the tombstones there are
                copiesOfValues.incrementAndGet();
                writesMeanwhile.addAndGet(compacted.lastSequence() - before);
              }
            });
      }
      return job;
    }

    /// Waits until compaction copies, if it has anything to copy: what it takes with it has been chosen
    /// then, and the index still points to the old place.
    void awaitCopying() {
      startCompaction();
      long start = System.nanoTime();
      while (!copying && System.nanoTime() - start < WAIT_MOST_NANOS) {
        LockSupport.parkNanos(50_000);
      }
    }

    /// Ends, and tells on standard output what has happened.
    synchronized void close() {
      store.close();
      disk.discard();
      System.out.println(this);
    }

    synchronized void assertBusy() {
      assertThat(segments.get()).as(toString()).isGreaterThan(histories);
      assertThat(copies.get()).as(toString()).isGreaterThan(histories / 4);
      assertThat(copiesOfValues.get()).as(toString()).isGreaterThan(histories / 4);
      assertThat(writesMeanwhile.get()).as(toString()).isGreaterThan(histories);
    }

    @Override
    public synchronized String toString() {
      return histories
          + " histories: "
          + segments
          + " segments begun, "
          + copies
          + " more by compaction; "
          + copiesOfValues
          + " compactions on demand copied values while "
          + writesMeanwhile
          + " writes were made";
    }
  }

  private static @Nullable Subject subject; // of the test that runs

  private final Subject mine = subject();
  private final int history = mine.next();
  private final KvStore store = mine.store();

  public StoreLinearizabilityTest() {
    for (int key = 0; key < KEYS; key++) {
      store.delete(key(key));
    }
    store.delete(NUMBER);
    store.put(
        standing(history % STANDING), value(0, 1)); // so that others move that stand beside it
    store.write(new WriteBatch().put(LEFT, value(0)).put(RIGHT, value(0)));
    store.put(key(0), value(1));
  }

  private static synchronized Subject subject() {
    Subject current = subject;
    if (current == null) {
      current = new Subject();
      subject = current;
    }
    return current;
  }

  private static synchronized void close(Subject ended) {
    subject = null;
    ended.close();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] key(int key) {
    return bytes("key" + key);
  }

  private static byte[] standing(int number) {
    return bytes("standing" + number);
  }

  /// A value that no other history writes.
  private static byte[] value(int history, int value) {
    byte[] bytes = new byte[VALUE_BYTES];
    Arrays.fill(bytes, (byte) value);
    ByteBuffer.wrap(bytes).putInt(history);
    return bytes;
  }

  private byte[] value(int value) {
    return value(history, value);
  }

  private int value(byte @Nullable [] bytes) {
    if (bytes == null) {
      return 0;
    }
    int value = bytes[VALUE_BYTES - 1];
    if (!Arrays.equals(bytes, value(value))) {
      throw new AssertionError("no value of this history: " + ByteBuffer.wrap(bytes).getInt());
    }
    return value;
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
    return value(store.getAll(List.of(standing(3), key(key), bytes("absent"))).get(1));
  }

  @Operation
  public long increment(@Param(name = "value") int delta) {
    return store.increment(NUMBER, delta);
  }

  // ---- One key, while compaction copies

  @Operation
  public void putMeanwhile(@Param(name = "key") int key, @Param(name = "value") int value) {
    mine.awaitCopying();
    put(key, value);
  }

  @Operation
  public boolean deleteMeanwhile(@Param(name = "key") int key) {
    mine.awaitCopying();
    return delete(key);
  }

  @Operation
  public boolean compareAndSetMeanwhile(
      @Param(name = "key") int key,
      @Param(name = "value") int expected,
      @Param(name = "value") int value) {
    mine.awaitCopying();
    return compareAndSet(key, expected, value);
  }

  // ---- Several keys

  /// Both get the same value, at once as far as writers can tell.
  @Operation
  public void batch(@Param(name = "value") int value) {
    store.write(new WriteBatch().put(LEFT, value(value)).put(RIGHT, value(value)));
  }

  @Operation
  public int getLeft() {
    return value(store.get(LEFT));
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
        store.getAll(List.of(standing(3), LEFT, bytes("absent"), RIGHT));
    return Arrays.equals(found.get(0), value(0, 1))
        && found.get(1) != null
        && found.get(2) == null
        && found.get(3) != null;
  }

  @Operation
  public void startCompaction() {
    mine.startCompaction();
  }

  @Operation(nonParallelGroup = "compaction")
  public void compact() {
    mine.startCompaction().join();
  }

  /// What must come out, in an order that Lincheck finds or does not.
  public static class Specification {
    private final Map<Integer, Integer> values = new HashMap<>(Map.of(0, 1));
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

    public void putMeanwhile(int key, int value) {
      put(key, value);
    }

    public boolean deleteMeanwhile(int key) {
      return delete(key);
    }

    public boolean compareAndSetMeanwhile(int key, int expected, int value) {
      return compareAndSet(key, expected, value);
    }

    public void batch(int value) {
      left = value;
      right = value;
    }

    public int getLeft() {
      return left;
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

    public void startCompaction() {}

    public void compact() {}
  }

  // ---- The tests

  @Test
  void threadsAgainstEachOtherHaveAnOrder() {
    check(new Effort(40, 6));
  }

  @Test
  @Tag("torture")
  void threadsAgainstEachOtherHaveAnOrderForLong() {
    check(new Effort(300, 10).times(Effort.minutes() / 4));
  }

  private void check(Effort effort) {
    try {
      effort
          .stress()
          .actorsAfter(6) // which tell what is left
          .minimizeFailedScenario(false) // each attempt would take as long as all that went before
          .sequentialSpecification(Specification.class)
          .check(StoreLinearizabilityTest.class);
    } finally {
      close(mine);
    }
    mine.assertBusy();
  }
}

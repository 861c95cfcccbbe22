package dev.kvstore.testkit;

import dev.kvstore.Durability;
import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Stats;
import dev.kvstore.StoreCompactionException;
import dev.kvstore.StoreFailedException;
import dev.kvstore.StoreIoException;
import dev.kvstore.Value;
import dev.kvstore.WriteBatch;
import dev.kvstore.testkit.StoreModel.Change;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.ToLongFunction;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// A store whose every write is also made in a [StoreModel], and whose every answer is compared with
/// it.
///
/// A write that throws [StoreIoException] has not happened; one that throws [StoreFailedException] may
/// have, and it was the last. Any other exception is a failure of the test.
public final class ModelledStore {
  private final KvStore store;
  private final StoreModel model;
  private final BooleanSupplier crashed;
  private final CrashStates states;
  private boolean failed;
  private int number;

  // How the next write is made.
  private KvStore writer;
  private Durability durability;

  public ModelledStore(KvStore store, StoreModel model) {
    this(store, model, () -> false, new CrashStates());
  }

  /// A store on a disk that may crash, also behind the back of a call that returns: what it returned
  /// then does not count.
  public ModelledStore(KvStore store, StoreModel model, SimulatedDirectory disk) {
    this(store, model, disk::hasCrashed, new CrashStates());
  }

  /// A store whose life is told to somebody who counts.
  public ModelledStore(KvStore store, StoreModel model, CrashStates states) {
    this(store, model, () -> false, states);
  }

  private ModelledStore(
      KvStore store, StoreModel model, BooleanSupplier crashed, CrashStates states) {
    this.store = store;
    this.model = model;
    this.crashed = crashed;
    this.states = states;
    this.writer = store;
    this.durability = store.options().durability();
    require(
        store.durableSequence() == store.lastSequence(),
        "an open store must have made durable what it shows");
  }

  public KvStore store() {
    return store;
  }

  /// Whether the store has said that it takes no more writes.
  public boolean hasFailed() {
    return failed;
  }

  /// Makes one random step: mostly writes, of few keys, so that everything happens to each of them.
  public void step(RandomGenerator random) {
    int keys = 24;
    switch (random.nextInt(20)) {
      case 0, 1, 2 -> delete(key(random, keys));
      case 3, 4 -> batch(random, keys, 300);
      case 5 -> increment("n" + random.nextInt(3), random.nextInt(-5, 100));
      case 6 -> compareAndSet(random, key(random, keys));
      case 7 -> putIfAbsent(key(random, keys), value(random, 60));
      case 8 -> put(key(random, keys), Value.of("text " + ++number));
      case 9 -> put(key(random, keys), value(random, 900));
      default -> put(key(random, keys), value(random, 200));
    }
  }

  /// As [#step], but some writes are large, some are many, and some wait longer or shorter than the
  /// options say.
  public void stepOfAnyKind(RandomGenerator random) {
    wait(random);
    switch (random.nextInt(12)) {
      case 0 -> large(random, 24);
      case 1 -> putAll(random, 24);
      default -> step(random);
    }
    durability = store.options().durability();
    writer = store;
  }

  private void putAll(RandomGenerator random, int keys) {
    Map<String, Value> entries = new LinkedHashMap<>();
    for (int left = 1 + random.nextInt(4); left > 0; left--) {
      entries.put(key(random, keys), value(random, 300));
    }
    putAll(entries);
  }

  /// Most writes wait as the options say, some as long as others do.
  private void wait(RandomGenerator random) {
    durability =
        switch (random.nextInt(12)) {
          case 0 -> Durability.ALWAYS;
          case 1 -> Durability.every(Duration.ofMillis(1));
          case 2 -> Durability.OS;
          default -> store.options().durability();
        };
    writer =
        durability.equals(store.options().durability()) ? store : store.withDurability(durability);
  }

  /// A value over several pages, or a batch that no small segment has room for.
  private void large(RandomGenerator random, int keys) {
    switch (random.nextInt(3)) {
      case 0 -> put(key(random, keys), value(random, 9000));
      case 1 -> batch(random, keys, 900);
      default -> batch(random, keys, 1800);
    }
  }

  private static String key(RandomGenerator random, int keys) {
    return "key-" + random.nextInt(keys);
  }

  private Value value(RandomGenerator random, int bytesMax) {
    byte[] bytes = new byte[random.nextInt(bytesMax)];
    random.nextBytes(bytes);
    byte[] label = ("write " + ++number + ";").getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(label, 0, bytes, 0, Math.min(label.length, bytes.length));
    return Value.of(bytes);
  }

  // ---- Writes

  public void put(String key, Value value) {
    write(
        "put " + key + " " + StoreModel.text(value),
        List.of(new Change(key, value)),
        () -> {
          long sequence = writer.put(key, value);
          require(sequence == store.lastSequence(), "put returned sequence " + sequence);
          return true;
        });
  }

  public void delete(String key) {
    boolean there = model.now().containsKey(key);
    write(
        "delete " + key,
        List.of(new Change(key, null)),
        () -> {
          require(writer.delete(key) == there, "delete of " + key + " must say " + there);
          return there;
        });
  }

  private void putIfAbsent(String key, Value value) {
    boolean absent = !model.now().containsKey(key);
    write(
        "putIfAbsent " + key,
        absent ? List.of(new Change(key, value)) : List.of(),
        () -> {
          boolean set = writer.putIfAbsent(bytes(key), value.toBytes());
          require(set == absent, "putIfAbsent of " + key + " must say " + absent);
          return absent;
        });
  }

  private void compareAndSet(RandomGenerator random, String key) {
    Value before = model.now().get(key);
    boolean right = random.nextInt(3) > 0;
    byte[] expected = before == null ? null : before.toBytes();
    if (!right) {
      expected = new byte[] {1, 2, 3};
    }
    Value after = random.nextInt(3) == 0 ? null : value(random, 100);
    byte[] wanted = expected;
    write(
        "compareAndSet " + key + (right ? "" : " in vain"),
        right ? List.of(new Change(key, after)) : List.of(),
        () -> {
          boolean set =
              writer.compareAndSet(bytes(key), wanted, after == null ? null : after.toBytes());
          require(set == right, "compareAndSet of " + key + " must say " + right);
          return right && (before != null || after != null);
        });
  }

  private void increment(String key, long delta) {
    Value before = model.now().get(key);
    long sum = (before instanceof Value.Int64(long number) ? number : 0) + delta;
    write(
        "increment " + key,
        List.of(new Change(key, Value.of(sum))),
        () -> {
          long told = writer.increment(key, delta);
          require(told == sum, "increment of " + key + " told " + told + ", not " + sum);
          return true;
        });
  }

  private void batch(RandomGenerator random, int keys, int valueBytesMax) {
    WriteBatch batch = new WriteBatch();
    List<Change> changes = new ArrayList<>();
    for (int left = 1 + random.nextInt(6); left > 0; left--) {
      String key = key(random, keys);
      Value value = random.nextInt(4) == 0 ? null : value(random, valueBytesMax);
      changes.add(new Change(key, value));
      if (value == null) {
        batch.delete(bytes(key));
      } else {
        batch.put(bytes(key), value);
      }
    }
    write(
        "batch of " + changes.size() + " " + changes.stream().map(Change::key).toList(),
        changes,
        () -> {
          long sequence = writer.write(batch);
          require(sequence == store.lastSequence(), "write returned sequence " + sequence);
          return true;
        });
  }

  /// Sets keys one by one, in one call: of those a crash or a failure may leave the first.
  public void putAll(Map<String, Value> entries) {
    putAll(entries, store::putAll);
  }

  /// The same in a way of the caller's.
  ///
  /// @param call returns the sequence of the last
  public void putAll(Map<String, Value> entries, ToLongFunction<List<Entry>> call) {
    if (failed) {
      return;
    }
    long before = store.lastSequence();
    model.begin("putAll of " + entries.size(), List.of());
    model.acknowledge(before);
    List<Entry> list = new ArrayList<>();
    entries.forEach((key, value) -> {
      list.add(new Entry(bytes(key), value));
      model.beginNext(
          "  put " + key + " " + StoreModel.text(value), List.of(new Change(key, value)));
    });
    try {
      long told = call.applyAsLong(list);
      stopIfCrashed();
      require(told == before + list.size(), "putAll returned sequence " + told);
      acknowledgeFirst(before, list.size());
      if (store.options().durability() instanceof Durability.Always) {
        model.durable(told);
        require(store.durableSequence() >= told, "putAll: acknowledged and not durable");
      }
      model.durable(store.durableSequence());
    } catch (StoreIoException e) {
      stopIfCrashed();
      acknowledgeFirst(before, (int) (store.lastSequence() - before));
      model.withdraw();
    } catch (StoreFailedException e) {
      stopIfCrashed();
      failed = true;
      model.note("  failed: " + e.getMessage());
    }
  }

  private void acknowledgeFirst(long before, int count) {
    for (int number = 1; number <= count; number++) {
      model.acknowledge(before + number);
    }
  }

  /// Makes a write in a way of the caller's: all of these changes, or none.
  ///
  /// @param changes by key; null: the key is removed
  /// @param call returns whether anything was written
  public void change(String what, Map<String, @Nullable Value> changes, BooleanSupplier call) {
    List<Change> list = new ArrayList<>();
    changes.forEach((key, value) -> list.add(new Change(key, value)));
    write(what, list, call);
  }

  /// @param call returns whether anything was written
  private void write(String what, List<Change> changes, BooleanSupplier call) {
    if (failed) {
      return;
    }
    long before = store.lastSequence();
    Stats statsBefore = store.stats();
    model.begin(what + waiting(), changes);
    boolean written;
    try {
      written = call.getAsBoolean();
      stopIfCrashed();
    } catch (StoreIoException e) {
      stopIfCrashed();
      require(store.lastSequence() == before, "a refused write has a sequence");
      model.withdraw();
      return;
    } catch (StoreFailedException e) {
      stopIfCrashed();
      failed = true;
      model.note("  failed: " + e.getMessage());
      return;
    }
    long sequence = store.lastSequence();
    require(
        written ? sequence > before : sequence == before,
        what + ": sequence went from " + before + " to " + sequence);
    model.acknowledge(sequence);
    if (written && durability instanceof Durability.Always) {
      // Whatever the store says about it: that is what was promised.
      model.durable(sequence);
      require(store.durableSequence() >= sequence, what + ": acknowledged and not durable");
    }
    model.durable(store.durableSequence());
    if (written) {
      tellWrite(changes, statsBefore, store.stats());
    }
  }

  private String waiting() {
    return durability.equals(store.options().durability()) ? "" : ", waits as " + durability;
  }

  private void stopIfCrashed() {
    if (crashed.getAsBoolean()) {
      throw new SimulatedCrash("crashed meanwhile");
    }
  }

  // ---- What has happened

  private void tellWrite(List<Change> changes, Stats before, Stats after) {
    states.happened(
        switch (durability) {
          case Durability.Always always -> Happening.WRITE_ALWAYS;
          case Durability.Every every -> Happening.WRITE_EVERY;
          case Durability.Os os -> Happening.WRITE_OS;
        });
    boolean rotated = !before.segments().isEmpty() && newest(after) > newest(before);
    tellIf(rotated, Happening.ROTATION);
    tellIf(changes.size() > 1, Happening.BATCH);
    tellIf(changes.size() > 1 && rotated, Happening.BATCH_AT_BOUNDARY);
    tellIf(
        changes.size() > 1 && bytes(changes) > store.options().segmentBytesMax(),
        Happening.BATCH_OVER_SEGMENT);
    tellIf(changes.stream().anyMatch(change -> change.value() == null), Happening.DELETE);
    tellIf(
        changes.stream().anyMatch(change -> bytes(List.of(change)) > 4096), Happening.LARGE_VALUE);
    tellIf(
        after.segments().stream().anyMatch(segment -> segment.state() == Stats.State.SEALING),
        Happening.SEALED_LATE);
    boolean leftOthers = sealed(before).stream().anyMatch(id -> sealed(after).contains(id));
    tellIf(after.compactions() > before.compactions() && leftOthers, Happening.PARTIAL_COMPACTION);
  }

  private void tellIf(boolean happened, Happening happening) {
    if (happened) {
      states.happened(happening);
    }
  }

  private static long newest(Stats stats) {
    return stats.segments().stream()
        .filter(segment -> segment.state() == Stats.State.ACTIVE)
        .mapToLong(Stats.Segment::id)
        .max()
        .orElse(0);
  }

  private static List<Long> sealed(Stats stats) {
    return stats.segments().stream()
        .filter(segment -> segment.state() == Stats.State.SEALED)
        .map(Stats.Segment::id)
        .toList();
  }

  private static long bytes(List<Change> changes) {
    return changes.stream()
        .mapToLong(change -> change.value() == null ? 0 : change.value().toBytes().length)
        .sum();
  }

  // ---- Everything else

  public void sync() {
    upkeep(
        "sync",
        () -> {
          long told = store.sync();
          require(told >= store.lastSequence(), "sync told " + told);
          stopIfCrashed();
          model.durable(told);
          states.happened(Happening.SYNC);
        });
  }

  public void compact() {
    upkeep(
        "compact", () -> tellIf(store.compact().segmentsRemoved() > 0, Happening.FULL_COMPACTION));
  }

  private void upkeep(String what, Runnable call) {
    model.note(what);
    try {
      call.run();
      stopIfCrashed();
      model.durable(store.durableSequence());
    } catch (StoreIoException | StoreCompactionException e) {
      stopIfCrashed();
      model.note("  refused: " + e.getMessage());
    } catch (StoreFailedException e) {
      stopIfCrashed();
      failed = true;
      model.note("  failed: " + e.getMessage());
    }
  }

  /// Reads some keys and compares.
  public void read(RandomGenerator random) {
    for (int i = 0; i < 4; i++) {
      String key = key(random, 28);
      Value expected = model.now().get(key);
      Value got = store.getValue(key).orElse(null);
      require(
          expected == null ? got == null : expected.equals(got),
          key + " is " + StoreModel.text(got) + ", not " + StoreModel.text(expected));
      require(store.contains(key) == (expected != null), "contains of " + key);
      byte @Nullable [] plain = store.get(bytes(key));
      require(
          expected == null
              ? plain == null
              : plain != null && expected.equals(Value.decode(expected.encoding(), plain)),
          "get of " + key);
    }
    require(store.size() == model.now().size(), "size is " + store.size());
  }

  private static byte[] bytes(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new AssertionError(message);
    }
  }
}

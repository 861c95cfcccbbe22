package dev.kvstore.testkit;

import dev.kvstore.KvStore;
import dev.kvstore.StoreCompactionException;
import dev.kvstore.StoreFailedException;
import dev.kvstore.StoreIoException;
import dev.kvstore.Value;
import dev.kvstore.WriteBatch;
import dev.kvstore.testkit.StoreModel.Change;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
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
  private boolean failed;
  private int number;

  public ModelledStore(KvStore store, StoreModel model) {
    this(store, model, () -> false);
  }

  /// A store on a disk that may crash, also behind the back of a call that returns: what it returned
  /// then does not count.
  public ModelledStore(KvStore store, StoreModel model, SimulatedDirectory disk) {
    this(store, model, disk::hasCrashed);
  }

  private ModelledStore(KvStore store, StoreModel model, BooleanSupplier crashed) {
    this.store = store;
    this.model = model;
    this.crashed = crashed;
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
      case 3, 4 -> batch(random, keys);
      case 5 -> increment("n" + random.nextInt(3), random.nextInt(-5, 100));
      case 6 -> compareAndSet(random, key(random, keys));
      case 7 -> putIfAbsent(key(random, keys), value(random, 60));
      case 8 -> put(key(random, keys), Value.of("text " + ++number));
      case 9 -> put(key(random, keys), value(random, 900));
      default -> put(key(random, keys), value(random, 200));
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
          long sequence = store.put(key, value);
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
          require(store.delete(key) == there, "delete of " + key + " must say " + there);
          return there;
        });
  }

  private void putIfAbsent(String key, Value value) {
    boolean absent = !model.now().containsKey(key);
    write(
        "putIfAbsent " + key,
        absent ? List.of(new Change(key, value)) : List.of(),
        () -> {
          boolean set = store.putIfAbsent(bytes(key), value.toBytes());
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
              store.compareAndSet(bytes(key), wanted, after == null ? null : after.toBytes());
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
          long told = store.increment(key, delta);
          require(told == sum, "increment of " + key + " told " + told + ", not " + sum);
          return true;
        });
  }

  private void batch(RandomGenerator random, int keys) {
    WriteBatch batch = new WriteBatch();
    List<Change> changes = new ArrayList<>();
    for (int left = 1 + random.nextInt(6); left > 0; left--) {
      String key = key(random, keys);
      Value value = random.nextInt(4) == 0 ? null : value(random, 300);
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
          long sequence = store.write(batch);
          require(sequence == store.lastSequence(), "write returned sequence " + sequence);
          return true;
        });
  }

  /// @param call returns whether anything was written
  private void write(String what, List<Change> changes, BooleanSupplier call) {
    if (failed) {
      return;
    }
    long before = store.lastSequence();
    model.begin(what, changes);
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
    model.durable(store.durableSequence());
  }

  private void stopIfCrashed() {
    if (crashed.getAsBoolean()) {
      throw new SimulatedCrash("crashed meanwhile");
    }
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
        });
  }

  public void compact() {
    upkeep("compact", store::compact);
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

package dev.kvstore.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.AsyncKvStore;
import dev.kvstore.CompactionReport;
import dev.kvstore.Durability;
import dev.kvstore.Entry;
import dev.kvstore.KvMap;
import dev.kvstore.KvStore;
import dev.kvstore.Progress;
import dev.kvstore.RecordInfo;
import dev.kvstore.StoreInspector;
import dev.kvstore.Value;
import dev.kvstore.ValueCodec;
import dev.kvstore.WriteBatch;
import dev.kvstore.codec.Keys;
import dev.kvstore.codec.Values;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Every call of the public interface of an open store, each with a check of what it gave. The keys begin
/// with a prefix of their own, so that several may be at work on one store.
///
/// All but `close`, which ends the rest. `PublicCallsTest` fails when one is missing.
public final class PublicCalls {
  /// For maps over values of all types.
  public static final ValueCodec<Value> ANY_VALUE =
      new ValueCodec<>() {
        @Override
        public Value encode(Value value) {
          return value;
        }

        @Override
        public Value decode(Value stored) {
          return stored;
        }
      };

  private final KvStore store;
  private final AsyncKvStore async;
  private final String prefix;
  private final Map<String, Runnable> calls = new LinkedHashMap<>();
  private long count;

  public PublicCalls(KvStore store, String prefix) {
    this.store = store;
    this.async = store.async();
    this.prefix = prefix;
    store.put(key("a"), Value.of("x"));
    reads();
    writes();
    wholeStore();
    asynchronous();
    map();
  }

  private byte[] key(String name) {
    return (prefix + name).getBytes(StandardCharsets.US_ASCII);
  }

  private String text(String name) {
    return prefix + name;
  }

  private void reads() {
    calls.put(
        "get",
        () -> {
          assertThat(store.get(key("a"))).isEqualTo(bytes("x"));
          assertThat(store.get(key("a"), MemorySegment::byteSize)).contains(1L);
          assertThat(store.get(key("absent"))).isNull();
        });
    calls.put(
        "getAll",
        () ->
            assertThat(store.getAll(List.of(key("a"), key("absent"))))
                .containsExactly(bytes("x"), null));
    calls.put(
        "getValue",
        () -> {
          assertThat(store.getValue(key("a"))).contains(Value.of("x"));
          assertThat(store.getValue(text("a"))).contains(Value.of("x"));
        });
    calls.put("getString", () -> assertThat(store.getString(text("a"))).contains("x"));
    calls.put("getLong", () -> assertThat(store.getLong(text("absent"))).isEmpty());
    calls.put("getDouble", () -> assertThat(store.getDouble(text("absent"))).isEmpty());
    calls.put(
        "contains",
        () -> {
          assertThat(store.contains(key("a"))).isTrue();
          assertThat(store.contains(text("absent"))).isFalse();
        });
    calls.put("valueSize", () -> assertThat(store.valueSize(key("a"))).hasValue(1));
    calls.put("size", () -> assertThat(store.size()).isPositive());
    calls.put(
        "keys",
        () -> {
          try (Stream<byte[]> keys = store.keys()) {
            assertThat(keys.filter(key -> Arrays.equals(key, key("a"))).count()).isEqualTo(1);
          }
        });
    calls.put(
        "entries",
        () -> {
          try (Stream<Entry> entries = store.entries()) {
            assertThat(entries.anyMatch(entry -> Arrays.equals(entry.key(), key("a")))).isTrue();
          }
        });
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private void writes() {
    calls.put(
        "put",
        () -> {
          byte[] value = new byte[900];
          assertThat(store.put(key("b"), value)).isPositive();
          assertThat(store.put(key("c"), Value.of(1.5))).isPositive();
          assertThat(store.put(text("d"), "text")).isPositive();
          assertThat(store.put(text("e"), Value.of(7))).isPositive();
          assertThat(store.get(key("b"))).isEqualTo(value);
          assertThat(store.getLong(text("e"))).hasValue(7);
        });
    calls.put(
        "putAll",
        () -> {
          store.putAll(List.of(Entry.of(text("f"), "1"), Entry.of(text("g"), "2")));
          assertThat(store.getString(text("g"))).contains("2");
        });
    calls.put(
        "delete",
        () -> {
          store.put(key("h"), new byte[100]);
          assertThat(store.delete(key("h"))).isTrue();
          assertThat(store.delete(text("h"))).isFalse();
        });
    calls.put(
        "write",
        () -> {
          store.write(
              new WriteBatch().put(key("i"), key("i")).put(text("j"), "j").delete(key("b")));
          assertThat(store.get(key("i"))).isEqualTo(key("i"));
          assertThat(store.contains(key("b"))).isFalse();
        });
    calls.put("putIfAbsent", () -> assertThat(store.putIfAbsent(key("a"), bytes("y"))).isFalse());
    calls.put(
        "compareAndSet",
        () -> {
          store.delete(key("k"));
          assertThat(store.compareAndSet(key("k"), null, bytes("1"))).isTrue();
          assertThat(store.compareAndSet(key("k"), bytes("2"), bytes("3"))).isFalse();
        });
    calls.put(
        "increment",
        () -> {
          count += 4;
          assertThat(store.increment(key("n"), 3)).isEqualTo(count - 1);
          assertThat(store.increment(text("n"), 1)).isEqualTo(count);
        });
    calls.put(
        "withDurability",
        () -> {
          long sequence = store.withDurability(Durability.OS).put(key("l"), key("l"));
          assertThat(store.lastSequence()).isGreaterThanOrEqualTo(sequence);
          store.withDurability(Durability.every(Duration.ofMillis(1))).put(key("l"), key("l"));
        });
    calls.put(
        "map",
        () -> {
          KvMap<String, Long> map = store.map(Keys.text(), Values.int64());
          map.put(text("m"), 5L);
          assertThat(map.get(text("m"))).contains(5L);
        });
  }

  private void wholeStore() {
    calls.put(
        "sync",
        () -> {
          long before = store.lastSequence();
          assertThat(store.sync()).isGreaterThanOrEqualTo(before);
        });
    calls.put(
        "awaitDurable",
        () -> {
          long sequence = store.withDurability(Durability.OS).put(key("o"), key("o"));
          store.awaitDurable(sequence);
          assertThat(store.durableSequence()).isGreaterThanOrEqualTo(sequence);
        });
    calls.put("lastSequence", () -> assertThat(store.lastSequence()).isPositive());
    calls.put(
        "durableSequence",
        () -> assertThat(store.durableSequence()).isLessThanOrEqualTo(store.lastSequence()));
    calls.put("compact", () -> assertThat(store.compact()).isNotNull());
    calls.put(
        "startCompaction",
        () -> {
          CompactionReport report = store.startCompaction().join();
          assertThat(report.bytesRead()).isNotNegative();
        });
    calls.put("stats", () -> assertThat(store.stats().failure()).isEmpty());
    calls.put("recovery", () -> assertThat(store.recovery().damages()).isEmpty());
    calls.put("options", () -> assertThat(store.options().readOnly()).isFalse());
    calls.put("directory", () -> assertThat(store.directory()).isNotNull());
  }

  private void asynchronous() {
    calls.put("async", () -> assertThat(store.async()).isNotNull());
    calls.put("async.get", () -> assertThat(async.get(key("a")).join()).isEqualTo(bytes("x")));
    calls.put(
        "async.put",
        () -> {
          assertThat(async.put(key("p"), key("p")).join()).isPositive();
          assertThat(async.put(key("q"), Value.of("q")).join()).isPositive();
          assertThat(store.get(key("p"))).isEqualTo(key("p"));
        });
    calls.put(
        "async.delete",
        () -> {
          assertThat(async.put(key("p"), key("p")).join()).isPositive();
          assertThat(async.delete(key("p")).join()).isTrue();
        });
    calls.put(
        "async.write",
        () ->
            assertThat(async.write(new WriteBatch().put(key("r"), key("r"))).join()).isPositive());
    calls.put(
        "async.putIfAbsent",
        () -> assertThat(async.putIfAbsent(key("a"), bytes("y")).join()).isFalse());
    calls.put(
        "async.compareAndSet",
        () -> assertThat(async.compareAndSet(key("a"), bytes("y"), bytes("z")).join()).isFalse());
    calls.put(
        "async.increment",
        () -> {
          count += 1;
          assertThat(async.increment(key("n"), 1).join()).isEqualTo(count);
        });
    calls.put("async.sync", () -> assertThat(async.sync().join()).isPositive());
    calls.put("async.compact", () -> assertThat(async.compact().join()).isNotNull());
  }

  private void map() {
    KvMap<String, Long> map = store.map(Keys.text(), Values.int64());
    calls.put(
        "map.get",
        () -> {
          map.put(text("s"), 5L);
          assertThat(map.get(text("s"))).contains(5L);
        });
    calls.put(
        "map.getAll",
        () ->
            assertThat(map.getAll(List.of(text("absent"), text("none"))))
                .containsExactly(Optional.empty(), Optional.empty()));
    calls.put("map.put", () -> assertThat(map.put(text("s"), 6L)).isPositive());
    calls.put(
        "map.putAll",
        () -> assertThat(map.putAll(Map.of(text("s"), 7L, text("t"), 8L))).isPositive());
    calls.put(
        "map.delete",
        () -> {
          map.put(text("u"), 9L);
          assertThat(map.delete(text("u"))).isTrue();
        });
    calls.put("map.contains", () -> assertThat(map.contains(text("absent"))).isFalse());
    calls.put("map.size", () -> assertThat(map.size()).isPositive());
    calls.put(
        "map.entries",
        () -> {
          KvMap<byte[], Value> all = store.map(Keys.bytes(), ANY_VALUE);
          try (Stream<Map.Entry<byte[], Value>> entries = all.entries()) {
            assertThat(entries.anyMatch(entry -> Arrays.equals(entry.getKey(), key("a")))).isTrue();
          }
        });
    calls.put(
        "map.keys",
        () -> {
          try (Stream<String> keys = map.keys()) {
            assertThat(keys.anyMatch(text("a")::equals)).isTrue();
          }
        });
    calls.put("map.store", () -> assertThat(map.store()).isNotNull());
  }

  /// Every call of [StoreInspector], by name, for a store that is closed, was opened after a kill at some
  /// time or not, and holds something.
  ///
  /// @param target where nothing is; each salvage makes a directory in it
  public static Map<String, Runnable> ofInspector(Path directory, Path target) {
    Map<String, Runnable> calls = new LinkedHashMap<>();
    calls.put(
        "verify",
        () -> assertThat(StoreInspector.verify(directory, Progress.NONE).damages()).isEmpty());
    calls.put(
        "records",
        () -> {
          try (Stream<RecordInfo> records = StoreInspector.records(directory)) {
            assertThat(records.anyMatch(record -> record.kind() == RecordInfo.Kind.PUT)).isTrue();
          }
        });
    calls.put(
        "recordBytes",
        () -> {
          RecordInfo first;
          try (Stream<RecordInfo> records = StoreInspector.records(directory)) {
            first = records.findFirst().orElseThrow();
          }
          assertThat(StoreInspector.recordBytes(directory, first.file(), first.offset()))
              .isNotEmpty();
        });
    calls.put(
        "recoveryHistory", () -> assertThat(StoreInspector.recoveryHistory(directory)).isNotNull());
    calls.put(
        "salvage",
        () -> {
          Path copy = target.resolve("copy-" + System.nanoTime());
          assertThat(StoreInspector.salvage(directory, copy, Progress.NONE).damages()).isEmpty();
        });
    return calls;
  }

  /// The calls by name; those of [AsyncKvStore] as `async.NAME`, those of [KvMap] as `map.NAME`.
  public Map<String, Runnable> byName() {
    return calls;
  }
}

package dev.kvstore;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.kvstore.RecoveryReport.Outcome;
import dev.kvstore.codec.Keys;
import dev.kvstore.codec.Values;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What every [KvStore] does. Each test has an empty store, with small segments so that most tests
/// cross several of them.
@Timeout(120)
abstract class StoreContract {
  static final Options OPTIONS =
      Options.builder()
          .segmentBytesMax(256 << 10)
          .compaction(CompactionPolicy.manual())
          .durability(Durability.OS)
          .build();

  private KvStore store;

  /// Opens the store of this test, which nobody has open.
  abstract KvStore open(Options options);

  @BeforeEach
  void openEmpty() {
    store = open(OPTIONS);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private void reopen() {
    store.close();
    store = open(OPTIONS);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private static byte[] random(int count) {
    byte[] bytes = new byte[count];
    new Random(count).nextBytes(bytes);
    return bytes;
  }

  // ---- Reading and writing

  @Test
  void anEmptyStoreHasNothing() {
    assertThat(store.get(bytes("a"))).isNull();
    assertThat(store.getValue(bytes("a"))).isEmpty();
    assertThat(store.get(bytes("a"), MemorySegment::byteSize)).isEmpty();
    assertThat(store.contains(bytes("a"))).isFalse();
    assertThat(store.valueSize(bytes("a"))).isEmpty();
    assertThat(store.size()).isZero();
    assertThat(store.keys()).isEmpty();
    assertThat(store.entries()).isEmpty();
    assertThat(store.lastSequence()).isZero();
    assertThat(store.durableSequence()).isZero();
    assertThat(store.sync()).isZero();
    assertThat(store.recovery().outcome()).isEqualTo(Outcome.CREATED);
    assertThat(store.getAll(List.of(bytes("a"), bytes("b")))).containsExactly(null, null);
  }

  @Test
  void whatWasPutIsReadInEveryWay() {
    store.put(bytes("a"), bytes("value"));
    assertThat(store.get(bytes("a"))).isEqualTo(bytes("value"));
    assertThat(store.getValue(bytes("a"))).contains(Value.of(bytes("value")));
    assertThat(store.get(bytes("a"), memory -> memory.toArray(ValueLayout.JAVA_BYTE)))
        .hasValueSatisfying(read -> assertThat(read).isEqualTo(bytes("value")));
    assertThat(store.contains(bytes("a"))).isTrue();
    assertThat(store.valueSize(bytes("a"))).hasValue(5);
    assertThat(store.size()).isOne();
    assertThat(store.getAll(List.of(bytes("b"), bytes("a"), bytes("a"))))
        .containsExactly(null, bytes("value"), bytes("value"));
  }

  @Test
  void theLastOfSeveralPutsCountsAlsoAfterReopening() {
    for (int i = 0; i < 100; i++) {
      store.put("a", "value " + i);
    }
    assertThat(store.getString("a")).contains("value 99");
    assertThat(store.size()).isOne();
    reopen();
    assertThat(store.getString("a")).contains("value 99");
    assertThat(store.size()).isOne();
  }

  @Test
  void aDeletedKeyIsGoneAndStaysSo() {
    store.put("a", "1");
    assertThat(store.delete("a")).isTrue();
    assertThat(store.delete("a")).isFalse();
    assertThat(store.get(bytes("a"))).isNull();
    assertThat(store.contains("a")).isFalse();
    assertThat(store.size()).isZero();
    reopen();
    assertThat(store.contains("a")).isFalse();
    store.compact();
    reopen();
    assertThat(store.contains("a")).isFalse();
    store.put("a", "2");
    assertThat(store.getString("a")).contains("2");
  }

  @Test
  void deletingWhatIsAbsentWritesNothing() {
    store.put("a", "1");
    long before = store.lastSequence();
    assertThat(store.delete("b")).isFalse();
    assertThat(store.lastSequence()).isEqualTo(before);
  }

  @Test
  void arraysThatComeOutBelongToTheCaller() {
    store.put(bytes("a"), bytes("value"));
    Arrays.fill(store.get(bytes("a")), (byte) 0);
    store.keys().forEach(key -> Arrays.fill(key, (byte) 0));
    assertThat(store.get(bytes("a"))).isEqualTo(bytes("value"));
    assertThat(store.keys()).containsExactly(bytes("a"));
  }

  @Test
  void anArrayMayBeChangedAfterTheCall() {
    byte[] key = bytes("a");
    byte[] value = bytes("value");
    store.put(key, value);
    key[0] = 'b';
    value[0] = 'x';
    assertThat(store.get(bytes("a"))).isEqualTo(bytes("value"));
    assertThat(store.contains("b")).isFalse();
  }

  // ---- Limits

  @Test
  void keysOfEveryLengthUpToTheLimitAreStored() {
    for (int length : new int[] {1, 2, 7, 8, 9, 255, 256, 4095, 65_534, KvStore.KEY_BYTES_MAX}) {
      store.put(random(length), bytes("length " + length));
    }
    reopen();
    for (int length : new int[] {1, 2, 7, 8, 9, 255, 256, 4095, 65_534, KvStore.KEY_BYTES_MAX}) {
      assertThat(store.get(random(length))).isEqualTo(bytes("length " + length));
    }
  }

  @Test
  void anEmptyKeyIsRefusedByEveryCall() {
    byte[] empty = {};
    List<Runnable> calls =
        List.of(
            () -> store.get(empty),
            () -> store.getValue(empty),
            () -> store.get(empty, MemorySegment::byteSize),
            () -> store.getAll(List.of(empty)),
            () -> store.contains(empty),
            () -> store.valueSize(empty),
            () -> store.put(empty, bytes("v")),
            () -> store.put(empty, Value.of(1)),
            () -> store.put("", "v"),
            () -> store.putAll(List.of(Entry.of(empty, bytes("v")))),
            () -> store.delete(empty),
            () -> store.putIfAbsent(empty, bytes("v")),
            () -> store.compareAndSet(empty, null, bytes("v")),
            () -> store.increment(empty, 1),
            () -> store.write(new WriteBatch().put(empty, bytes("v"))),
            () -> store.write(new WriteBatch().delete(empty)));
    for (Runnable call : calls) {
      assertThatExceptionOfType(StoreKeyException.class).isThrownBy(call::run);
    }
    assertThat(store.lastSequence()).isZero();
  }

  @Test
  void aKeyOverTheLimitIsRefusedByEveryWrite() {
    byte[] large = new byte[KvStore.KEY_BYTES_MAX + 1];
    List<Runnable> calls =
        List.of(
            () -> store.put(large, bytes("v")),
            () -> store.putIfAbsent(large, bytes("v")),
            () -> store.compareAndSet(large, null, bytes("v")),
            () -> store.increment(large, 1),
            () -> store.delete(large),
            () -> store.write(new WriteBatch().put("fine", "v").put(large, bytes("v"))));
    for (Runnable call : calls) {
      assertThatExceptionOfType(StoreTooLargeException.class)
          .isThrownBy(call::run)
          .satisfies(e -> {
            assertThat(e.bytes()).isEqualTo(KvStore.KEY_BYTES_MAX + 1);
            assertThat(e.bytesMax()).isEqualTo(KvStore.KEY_BYTES_MAX);
          });
    }
    assertThat(store.lastSequence()).isZero();
    assertThat(store.contains("fine")).isFalse();
  }

  @Test
  void valuesFromNothingToLargerThanASegmentAreStored() {
    int[] lengths = {0, 1, 7, 8, 9, 4096, 65_536, 300_000, 3_000_000};
    for (int length : lengths) {
      store.put(bytes("length " + length), random(length));
    }
    for (int round = 0; round < 3; round++) {
      for (int length : lengths) {
        byte[] value = store.get(bytes("length " + length));
        assertThat(Arrays.equals(value, random(length))).as("length " + length).isTrue();
        assertThat(store.valueSize(bytes("length " + length))).hasValue(length);
      }
      if (round == 0) {
        reopen();
      } else {
        store.compact();
      }
    }
  }

  @Test
  void nullIsRefused() {
    assertThatNullPointerException().isThrownBy(() -> store.get(null));
    assertThatNullPointerException().isThrownBy(() -> store.put(null, bytes("v")));
    assertThatNullPointerException().isThrownBy(() -> store.put(bytes("a"), (byte[]) null));
    assertThatNullPointerException().isThrownBy(() -> store.put(bytes("a"), (Value) null));
    assertThatNullPointerException().isThrownBy(() -> store.delete((byte[]) null));
    assertThatNullPointerException().isThrownBy(() -> store.write(null));
    assertThatNullPointerException()
        .isThrownBy(
            () -> store.write(new WriteBatch().put("a", "1").put(bytes("b"), (byte[]) null)));
    assertThat(store.size()).isZero();
    store.put("a", "still works");
    assertThat(store.getString("a")).contains("still works");
  }

  @Test
  void everyByteIsOrdinary() {
    byte[] all = new byte[256];
    for (int i = 0; i < 256; i++) {
      all[i] = (byte) i;
      store.put(new byte[] {(byte) i}, new byte[] {(byte) ~i});
    }
    store.put(all, all);
    store.put(new byte[1000], new byte[1000]);
    reopen();
    for (int i = 0; i < 256; i++) {
      assertThat(store.get(new byte[] {(byte) i})).containsExactly(~i);
    }
    assertThat(store.get(all)).isEqualTo(all);
    assertThat(store.get(new byte[1000])).isEqualTo(new byte[1000]);
    assertThat(store.get(new byte[999])).isNull();
  }

  // ---- Types

  @Test
  void valuesKeepTheirType() {
    store.put("bytes", Value.of(new byte[] {1, 2}));
    store.put("text", "Grüße 🌍");
    store.put("int", Value.of(Long.MIN_VALUE));
    store.put("float", Value.of(-0.0));
    store.put("nan", Value.of(Double.NaN));
    reopen();
    store.compact();
    assertThat(store.getValue("bytes")).contains(Value.of(new byte[] {1, 2}));
    assertThat(store.getValue("text")).contains(Value.of("Grüße 🌍"));
    assertThat(store.getString("text")).contains("Grüße 🌍");
    assertThat(store.getLong("int")).hasValue(Long.MIN_VALUE);
    assertThat(store.getDouble("float")).hasValue(-0.0);
    assertThat(store.getDouble("nan")).hasValue(Double.NaN);
    assertThat(store.get(bytes("text"))).isEqualTo(bytes("Grüße 🌍"));
    assertThat(store.get(bytes("int"))).containsExactly(0, 0, 0, 0, 0, 0, 0, 0x80);
  }

  @Test
  void askingForAnotherTypeIsAnErrorThatHarmsNothing() {
    store.put("text", "5");
    store.put("int", Value.of(5));
    store.put("float", Value.of(5.0));
    store.put("bytes", Value.of(new byte[8]));
    for (String key : List.of("int", "float", "bytes")) {
      assertThatExceptionOfType(StoreEncodingException.class)
          .isThrownBy(() -> store.getString(key));
    }
    for (String key : List.of("text", "float", "bytes")) {
      assertThatExceptionOfType(StoreEncodingException.class).isThrownBy(() -> store.getLong(key));
      assertThatExceptionOfType(StoreEncodingException.class)
          .isThrownBy(() -> store.increment(key, 1));
    }
    for (String key : List.of("text", "int", "bytes")) {
      assertThatExceptionOfType(StoreEncodingException.class)
          .isThrownBy(() -> store.getDouble(key));
    }
    assertThat(store.getLong("int")).hasValue(5);
    assertThat(store.lastSequence()).isEqualTo(4);
  }

  @Test
  void aKeyMayChangeItsType() {
    store.put("a", "text");
    store.put("a", Value.of(7));
    assertThat(store.getLong("a")).hasValue(7);
    store.put(bytes("a"), bytes("plain"));
    assertThat(store.getValue("a")).contains(Value.of(bytes("plain")));
  }

  @Test
  void textThatUtf8CannotExpressIsRefused() {
    String unpaired = "\uD800";
    assertThatExceptionOfType(StoreEncodingException.class)
        .isThrownBy(() -> store.put("a", unpaired));
    assertThatExceptionOfType(StoreEncodingException.class)
        .isThrownBy(() -> store.put(unpaired, "a"));
    assertThat(store.size()).isZero();
  }

  @Test
  void aMapHasJavaTypes() {
    KvMap<Long, String> map = store.map(Keys.int64(), Values.text());
    map.put(1L, "one");
    map.putAll(Map.of(2L, "two", 3L, "three"));
    assertThat(map.get(2L)).contains("two");
    assertThat(map.getAll(List.of(3L, 4L))).containsExactly(Optional.of("three"), Optional.empty());
    assertThat(map.delete(1L)).isTrue();
    assertThat(map.contains(1L)).isFalse();
    assertThat(map.keys()).containsExactlyInAnyOrder(2L, 3L);
    assertThat(map.entries())
        .containsExactlyInAnyOrder(Map.entry(2L, "two"), Map.entry(3L, "three"));
  }

  // ---- Sequences and durability

  @Test
  void sequencesGrowByOneWithEachChangeAndGoOnAfterReopening() {
    assertThat(store.put("a", "1")).isEqualTo(1);
    assertThat(store.put("a", "2")).isEqualTo(2);
    assertThat(store.write(new WriteBatch().put("b", "1").delete("a").put("c", "1"))).isEqualTo(5);
    assertThat(store.putAll(List.of(Entry.of("d", "1"), Entry.of("e", "1")))).isEqualTo(7);
    store.delete("d");
    assertThat(store.lastSequence()).isEqualTo(8);
    assertThat(store.sync()).isEqualTo(8);
    assertThat(store.durableSequence()).isEqualTo(8);
    reopen();
    assertThat(store.lastSequence()).isEqualTo(8);
    assertThat(store.durableSequence()).isEqualTo(8);
    assertThat(store.put("f", "1")).isEqualTo(9);
  }

  @Test
  void sequencesGoOnAfterEverythingWasDeletedAndCompacted() {
    for (int i = 0; i < 1000; i++) {
      store.put("key-" + i, "x".repeat(1000));
    }
    for (int i = 0; i < 1000; i++) {
      store.delete("key-" + i);
    }
    long last = store.lastSequence();
    store.compact();
    assertThat(store.stats().diskBytes()).isLessThan(600 << 10);
    for (int round = 0; round < 2; round++) {
      reopen();
      assertThat(store.lastSequence()).isEqualTo(last);
      assertThat(store.size()).isZero();
    }
    assertThat(store.put("new", "1")).isEqualTo(last + 1);
  }

  @Test
  void aWriteThatAsksForMoreIsDurableWhenItReturns() {
    store.put("a", "1");
    long sequence = store.withDurability(Durability.ALWAYS).put("b", "2");
    assertThat(store.durableSequence()).isGreaterThanOrEqualTo(sequence);
    assertThat(store.getString("b")).contains("2");
  }

  @Test
  void awaitDurableWaitsForTheWriteAndRefusesTheFuture() {
    long sequence = store.put("a", "1");
    store.awaitDurable(sequence);
    assertThat(store.durableSequence()).isGreaterThanOrEqualTo(sequence);
    assertThatIllegalArgumentException().isThrownBy(() -> store.awaitDurable(sequence + 1));
    store.awaitDurable(0);
  }

  // ---- Batches

  @Test
  void theLaterOfTwoChangesOfOneKeyWins() {
    store.write(new WriteBatch().put("a", "1").put("a", "2").delete("b").put("b", "3").delete("a"));
    assertThat(store.contains("a")).isFalse();
    assertThat(store.getString("b")).contains("3");
    assertThat(store.size()).isOne();
    reopen();
    assertThat(store.contains("a")).isFalse();
    assertThat(store.getString("b")).contains("3");
    assertThat(store.size()).isOne();
  }

  @Test
  void anEmptyBatchWritesNothing() {
    store.put("a", "1");
    assertThat(store.write(new WriteBatch())).isEqualTo(1);
    assertThat(store.putAll(List.of())).isEqualTo(1);
    assertThat(store.lastSequence()).isEqualTo(1);
  }

  @Test
  void aRefusedBatchChangesNothing() {
    store.put("a", "before");
    WriteBatch batch = new WriteBatch().put("a", "after").delete("a").put("b", "1");
    batch.put(new byte[KvStore.KEY_BYTES_MAX + 1], bytes("v"));
    assertThatExceptionOfType(StoreTooLargeException.class).isThrownBy(() -> store.write(batch));
    WriteBatch badText = new WriteBatch().put("a", "after").put("b", "\uDC00");
    assertThatExceptionOfType(StoreEncodingException.class).isThrownBy(() -> store.write(badText));
    assertThat(store.getString("a")).contains("before");
    assertThat(store.contains("b")).isFalse();
    assertThat(store.lastSequence()).isEqualTo(1);
  }

  @Test
  void aBatchLargerThanASegmentIsWritten() {
    WriteBatch batch = new WriteBatch();
    for (int i = 0; i < 2000; i++) {
      batch.put(bytes("key-" + i), random(500));
    }
    store.write(batch);
    store.write(batch);
    assertThat(store.size()).isEqualTo(2000);
    reopen();
    assertThat(store.size()).isEqualTo(2000);
    assertThat(store.get(bytes("key-1999"))).isEqualTo(random(500));
  }

  @Test
  void putAllStopsAtWhatIsRefusedAndKeepsWhatCameBefore() {
    List<Entry> entries =
        List.of(
            Entry.of("a", "1"),
            Entry.of("b", "2"),
            Entry.of(new byte[0], bytes("bad")),
            Entry.of("c", "3"));
    assertThatExceptionOfType(StoreKeyException.class).isThrownBy(() -> store.putAll(entries));
    assertThat(store.keys().map(String::new)).containsExactlyInAnyOrder("a", "b");
  }

  // ---- Read, then write

  @Test
  void putIfAbsentSetsOnlyWhatIsAbsent() {
    assertThat(store.putIfAbsent(bytes("a"), bytes("1"))).isTrue();
    assertThat(store.putIfAbsent(bytes("a"), bytes("2"))).isFalse();
    assertThat(store.get(bytes("a"))).isEqualTo(bytes("1"));
    store.delete("a");
    assertThat(store.putIfAbsent(bytes("a"), bytes("3"))).isTrue();
  }

  @Test
  void compareAndSetSetsOnlyWhatIsAsExpected() {
    byte[] a = bytes("a");
    assertThat(store.compareAndSet(a, bytes("x"), bytes("1"))).isFalse();
    assertThat(store.compareAndSet(a, null, bytes("1"))).isTrue();
    assertThat(store.compareAndSet(a, null, bytes("2"))).isFalse();
    assertThat(store.compareAndSet(a, bytes("x"), bytes("2"))).isFalse();
    assertThat(store.compareAndSet(a, bytes("1"), bytes("2"))).isTrue();
    assertThat(store.get(a)).isEqualTo(bytes("2"));
    assertThat(store.compareAndSet(a, bytes("1"), null)).isFalse();
    assertThat(store.compareAndSet(a, bytes("2"), null)).isTrue();
    assertThat(store.contains(a)).isFalse();
    long before = store.lastSequence();
    assertThat(store.compareAndSet(a, null, null)).isTrue();
    assertThat(store.compareAndSet(a, bytes("2"), null)).isFalse();
    assertThat(store.lastSequence()).isEqualTo(before);
    assertThat(store.compareAndSet(a, null, new byte[0])).isTrue();
    assertThat(store.compareAndSet(a, null, bytes("3"))).as("empty is not absent").isFalse();
    assertThat(store.compareAndSet(a, new byte[0], bytes("3"))).isTrue();
  }

  @Test
  void incrementCountsFromZeroAndRefusesToOverflow() {
    assertThat(store.increment("n", 5)).isEqualTo(5);
    assertThat(store.increment("n", -7)).isEqualTo(-2);
    assertThat(store.increment("n", 0)).isEqualTo(-2);
    assertThat(store.getLong("n")).hasValue(-2);
    store.put("max", Value.of(Long.MAX_VALUE));
    store.put("min", Value.of(Long.MIN_VALUE));
    long before = store.lastSequence();
    assertThatExceptionOfType(ArithmeticException.class)
        .isThrownBy(() -> store.increment("max", 1));
    assertThatExceptionOfType(ArithmeticException.class)
        .isThrownBy(() -> store.increment("min", -1));
    assertThat(store.getLong("max")).hasValue(Long.MAX_VALUE);
    assertThat(store.lastSequence()).isEqualTo(before);
    assertThat(store.increment("max", -1)).isEqualTo(Long.MAX_VALUE - 1);
    store.delete("n");
    assertThat(store.increment("n", 1)).isEqualTo(1);
  }

  // ---- Iteration

  @Test
  void keysAndEntriesDeliverEverythingOnce() {
    Map<String, String> expected = new HashMap<>();
    for (int i = 0; i < 5000; i++) {
      store.put("key-" + i, "value " + i);
      expected.put("key-" + i, "value " + i);
    }
    for (int i = 0; i < 5000; i += 3) {
      store.delete("key-" + i);
      expected.remove("key-" + i);
    }
    List<String> keys = store.keys().map(key -> new String(key, UTF_8)).toList();
    assertThat(keys).doesNotHaveDuplicates();
    assertThat(new HashSet<>(keys)).isEqualTo(expected.keySet());
    assertThat(
            store
                .entries()
                .collect(
                    Collectors.toMap(Entry::keyText, entry -> ((Value.Text) entry.value()).text())))
        .isEqualTo(expected);
  }

  @Test
  void whatStaysIsDeliveredOnceWhateverChangesMeanwhile() {
    Set<String> staying = new HashSet<>();
    for (int i = 0; i < 3000; i++) {
      store.put("stay-" + i, "x".repeat(50));
      staying.add("stay-" + i);
      store.put("go-" + i, "x".repeat(50));
    }
    List<String> seen = new ArrayList<>();
    try (Stream<Entry> entries = store.entries()) {
      entries.forEach(entry -> {
        int i = seen.size();
        seen.add(entry.keyText());
        store.put("come-" + i, "x".repeat(50));
        store.delete("go-" + i % 3000);
        store.put("stay-" + i % 3000, "y".repeat(50));
        if (i % 1500 == 700) {
          store.compact();
        }
      });
    }
    assertThat(seen).doesNotHaveDuplicates();
    assertThat(seen.stream().filter(key -> key.startsWith("stay-")).collect(Collectors.toSet()))
        .isEqualTo(staying);
  }

  @Test
  void anIterationThatIsNotFinishedHoldsNothingBack() {
    for (int i = 0; i < 3000; i++) {
      store.put("key-" + i, "x".repeat(500));
    }
    var unfinished = store.keys().iterator();
    unfinished.next();
    for (int i = 0; i < 3000; i++) {
      store.delete("key-" + i);
    }
    store.compact();
    assertThat(store.stats().diskBytes()).isLessThan(600 << 10);
    while (unfinished.hasNext()) {
      unfinished.next();
    }
  }

  // ---- Values without a copy

  @Test
  void theMemoryOfAValueIsReadOnlyAndGoesWithTheStore() {
    store.put(bytes("a"), bytes("value"));
    AtomicReference<MemorySegment> kept = new AtomicReference<>();
    store.get(
        bytes("a"),
        memory -> {
          kept.set(memory);
          assertThat(memory.isReadOnly()).isTrue();
          return 1;
        });
    store.close();
    assertThat(catchThrowable(() -> kept.get().get(ValueLayout.JAVA_BYTE, 0)))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void whatTheReaderThrowsOrReturnsArrives() {
    store.put(bytes("a"), bytes("value"));
    assertThat(store.get(bytes("a"), memory -> null)).isEmpty();
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() ->
            store.get(
                bytes("a"),
                memory -> {
                  throw new UnsupportedOperationException("mine");
                }));
    assertThatExceptionOfType(IllegalStateException.class)
        .as("the reader's own exception is not taken for one of the store")
        .isThrownBy(() ->
            store.get(
                bytes("a"),
                memory -> {
                  throw new IllegalStateException("mine");
                }))
        .withMessage("mine");
    assertThat(store.get(bytes("a"), MemorySegment::byteSize)).contains(5L);
  }

  @Test
  void aReaderMayUseTheStore() {
    store.put(bytes("a"), bytes("value"));
    Optional<Long> sequence =
        store.get(
            bytes("a"), memory -> store.put(bytes("copy"), memory.toArray(ValueLayout.JAVA_BYTE)));
    assertThat(sequence).contains(2L);
    assertThat(store.get(bytes("copy"))).isEqualTo(bytes("value"));
  }

  // ---- Calls that do not wait

  @Test
  void asyncCallsDoWhatTheOthersDo() throws Exception {
    AsyncKvStore async = store.async();
    assertThat(async.put(bytes("a"), bytes("1")).get()).isEqualTo(1);
    assertThat(async.put(bytes("n"), Value.of(1)).get()).isEqualTo(2);
    assertThat(async.get(bytes("a")).get()).isEqualTo(bytes("1"));
    assertThat(async.get(bytes("none")).get()).isNull();
    assertThat(async.delete(bytes("a")).get()).isTrue();
    assertThat(async.delete(bytes("a")).get()).isFalse();
    assertThat(async.putIfAbsent(bytes("a"), bytes("2")).get()).isTrue();
    assertThat(async.compareAndSet(bytes("a"), bytes("2"), bytes("3")).get()).isTrue();
    assertThat(async.increment(bytes("n"), 4).get()).isEqualTo(5);
    assertThat(async.write(new WriteBatch().put("b", "1").put("c", "2")).get())
        .isEqualTo(store.lastSequence());
    assertThat(async.sync().get()).isEqualTo(store.lastSequence());
    async.compact().get();
    assertThat(store.size()).isEqualTo(4);
  }

  @Test
  void asyncWritesAreInOrderAndVisibleAtOnce() {
    AsyncKvStore async = store.withDurability(Durability.ALWAYS).async();
    List<CompletableFuture<Long>> futures = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      futures.add(async.put(bytes("a"), bytes("value " + i)));
      if (i % 100 == 0) {
        assertThat(store.get(bytes("a"))).isEqualTo(bytes("value " + i));
      }
    }
    for (int i = 0; i < 2000; i++) {
      assertThat(futures.get(i).join()).isEqualTo(i + 1);
    }
    assertThat(store.durableSequence()).isEqualTo(2000);
  }

  @Test
  void asyncErrorsArriveThroughTheFuture() {
    AsyncKvStore async = store.async();
    List<CompletableFuture<?>> futures =
        List.of(
            async.put(new byte[0], bytes("v")),
            async.get(new byte[0]),
            async.put(new byte[KvStore.KEY_BYTES_MAX + 1], bytes("v")),
            async.get(null),
            async.write(null),
            async.write(new WriteBatch().delete(new byte[0])));
    for (CompletableFuture<?> future : futures) {
      assertThat(future).isCompletedExceptionally();
    }
    assertThat(catchThrowable(() -> futures.getFirst().get()))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(StoreKeyException.class);
  }

  // ---- The end

  @Test
  void afterCloseEverythingIsRefused() {
    store.put("a", "1");
    AsyncKvStore async = store.async();
    KvStore other = store.withDurability(Durability.ALWAYS);
    var iterator = store.keys().iterator();
    store.close();
    store.close();
    List<Runnable> calls =
        List.of(
            () -> store.get(bytes("a")),
            () -> store.getValue("a"),
            () -> store.get(bytes("a"), MemorySegment::byteSize),
            () -> store.getAll(List.of(bytes("a"))),
            () -> store.contains("a"),
            () -> store.valueSize(bytes("a")),
            () -> store.size(),
            () -> store.keys().count(),
            () -> store.entries().count(),
            () -> store.put("a", "2"),
            () -> store.put("new", "2"),
            () -> other.put("a", "2"),
            () -> store.putAll(List.of(Entry.of("a", "2"))),
            () -> store.delete("a"),
            () -> store.delete("none"),
            () -> store.write(new WriteBatch().put("a", "2")),
            () -> store.write(new WriteBatch()),
            () -> store.putIfAbsent(bytes("a"), bytes("2")),
            () -> store.compareAndSet(bytes("a"), null, null),
            () -> store.increment("n", 1),
            () -> store.lastSequence(),
            () -> store.durableSequence(),
            () -> store.awaitDurable(1),
            () -> store.sync(),
            () -> store.compact(),
            () -> store.startCompaction(),
            () -> store.stats());
    for (int i = 0; i < calls.size(); i++) {
      Runnable call = calls.get(i);
      assertThatExceptionOfType(StoreClosedException.class).as("call %d", i).isThrownBy(call::run);
    }
    assertThat(catchThrowable(() -> async.put(bytes("a"), bytes("2")).get()))
        .hasCauseInstanceOf(StoreClosedException.class);
    assertThat(catchThrowable(() -> async.get(bytes("a")).get()))
        .hasCauseInstanceOf(StoreClosedException.class);
    Throwable late =
        catchThrowable(() -> {
          while (iterator.hasNext()) {
            iterator.next();
          }
        });
    assertThat(late == null || late instanceof StoreClosedException).as("%s", late).isTrue();
    store = open(OPTIONS);
    assertThat(store.getString("a")).contains("1");
  }

  @Test
  void aClosedStoreOpensCleanly() {
    for (int round = 0; round < 5; round++) {
      for (int i = 0; i < 500; i++) {
        store.put("key-" + (i + 100 * round), "x".repeat(i));
      }
      long keys = store.size();
      long last = store.lastSequence();
      reopen();
      assertThat(store.recovery().outcome()).isEqualTo(Outcome.CLEAN);
      assertThat(store.recovery().tailBytesCut()).isZero();
      assertThat(store.recovery().keys()).isEqualTo(keys);
      assertThat(store.size()).isEqualTo(keys);
      assertThat(store.lastSequence()).isEqualTo(last);
    }
  }

  // ---- Upkeep

  @Test
  void compactionKeepsEveryValueAndFreesTheRest() {
    Map<String, String> expected = new HashMap<>();
    Random random = new Random(5);
    for (int i = 0; i < 20_000; i++) {
      String key = "key-" + random.nextInt(300);
      if (random.nextInt(4) == 0) {
        store.delete(key);
        expected.remove(key);
      } else {
        String value = i + "x".repeat(random.nextInt(100));
        store.put(key, value);
        expected.put(key, value);
      }
    }
    CompactionReport report = store.compact();
    assertThat(report.bytesFreed()).isPositive();
    assertThat(store.stats().diskBytes()).isLessThan(400 << 10);
    for (int round = 0; round < 2; round++) {
      assertThat(store.size()).isEqualTo(expected.size());
      for (int i = 0; i < 300; i++) {
        assertThat(store.getString("key-" + i))
            .isEqualTo(Optional.ofNullable(expected.get("key-" + i)));
      }
      reopen();
    }
  }

  @Test
  void statsTellTheTruth() {
    store.put("a", "1");
    store.put("a", "2");
    store.put("b", "1");
    store.delete("b");
    store.get(bytes("a"));
    Stats stats = store.stats();
    assertThat(stats.keys()).isEqualTo(1);
    assertThat(stats.puts()).isEqualTo(3);
    assertThat(stats.deletes()).isEqualTo(1);
    assertThat(stats.gets()).isEqualTo(1);
    assertThat(stats.lastSequence()).isEqualTo(4);
    assertThat(stats.garbageBytes()).isPositive();
    assertThat(stats.liveBytes()).isPositive();
    assertThat(stats.failure()).isEmpty();
    assertThat(stats.corruptReads()).isZero();
  }

  @Test
  void anApplicationIsRememberedAndOthersAreRefused() {
    store.close();
    Options mine = OPTIONS.toBuilder().application(7, 1).build();
    assertThatExceptionOfType(StoreStartupException.class)
        .as("the store was made for none")
        .isThrownBy(() -> open(mine));
    store = open(OPTIONS);
  }

  @Test
  void aStoreOpenedForReadingReadsAndRefusesEveryWrite() {
    store.put("a", "1");
    store.put("n", Value.of(1));
    store.close();
    store = open(OPTIONS.toBuilder().readOnly(true).build());
    assertThat(store.getString("a")).contains("1");
    assertThat(store.size()).isEqualTo(2);
    assertThat(store.lastSequence()).isEqualTo(2);
    List<Runnable> writes =
        List.of(
            () -> store.put("a", "2"),
            () -> store.put("new", "2"),
            () -> store.putAll(List.of(Entry.of("a", "2"))),
            () -> store.delete("a"),
            () -> store.delete("none"),
            () -> store.write(new WriteBatch().put("a", "2")),
            () -> store.putIfAbsent(bytes("new"), bytes("2")),
            () -> store.compareAndSet(bytes("a"), bytes("1"), bytes("2")),
            () -> store.increment("n", 1),
            () -> store.compact());
    for (int i = 0; i < writes.size(); i++) {
      Runnable write = writes.get(i);
      assertThatExceptionOfType(StoreReadOnlyException.class)
          .as("write %d", i)
          .isThrownBy(write::run);
    }
    store.close();
    store = open(OPTIONS);
    assertThat(store.getString("a")).contains("1");
    assertThat(store.lastSequence()).isEqualTo(2);
    assertThat(store.recovery().outcome()).isEqualTo(Outcome.CLEAN);
  }
}

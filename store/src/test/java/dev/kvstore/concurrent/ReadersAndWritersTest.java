package dev.kvstore.concurrent;

import static dev.kvstore.concurrent.StandingKeys.key;
import static dev.kvstore.concurrent.StandingKeys.restless;
import static dev.kvstore.concurrent.StandingKeys.value;
import static dev.kvstore.concurrent.StandingKeys.version;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Value;
import dev.kvstore.WriteBatch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Readers and iterations see the truth while writers overwrite and compaction moves everything.
@Timeout(120)
class ReadersAndWritersTest {
  private static final int STANDING = 400;
  private static final int MILLIS = 1500;

  @TempDir private Path directory;

  /// For each standing key the version that its writer is about to write, and the one acknowledged.
  private final AtomicLongArray begun = new AtomicLongArray(STANDING);

  private final AtomicLongArray written = new AtomicLongArray(STANDING);

  private void putAllStanding(KvStore store) {
    for (int number = 0; number < STANDING; number++) {
      byte[] key = key("s", number);
      store.put(key, value(key, 0));
    }
  }

  /// Overwrites standing keys; each belongs to one of the writers.
  private void overwrite(KvStore store, int writer, int writers) {
    int number = ThreadLocalRandom.current().nextInt(STANDING / writers) * writers + writer;
    byte[] key = key("s", number);
    long version = begun.incrementAndGet(number);
    store.put(key, value(key, version));
    written.set(number, version);
  }

  /// Keys that come and go, in batches and alone, so that there are tombstones everywhere.
  private static void churn(KvStore store) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    byte[] key = key("c", random.nextInt(300));
    switch (random.nextInt(3)) {
      case 0 -> store.put(key, value(key, 1));
      case 1 -> store.delete(key);
      default ->
          store.write(
              new WriteBatch()
                  .delete(key)
                  .put(key("c", random.nextInt(300)), new byte[random.nextInt(2000)])
                  .delete(key("c", random.nextInt(300))));
    }
  }

  private void assertTrue(int number, byte[] found, long writtenBefore) {
    byte[] key = key("s", number);
    assertThat(found).as("s" + number + " is never absent").isNotNull();
    long version = version(key, found);
    assertThat(version)
        .as("s" + number)
        .isBetween(writtenBefore, begun.get(number)); // not older, and nothing nobody wrote
  }

  private void readOne(KvStore store) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    int number = random.nextInt(STANDING);
    byte[] key = key("s", number);
    long before = written.get(number);
    switch (random.nextInt(5)) {
      case 0 -> assertTrue(number, store.get(key), before);
      case 1 ->
          assertTrue(
              number,
              store.get(key, memory -> memory.toArray(ValueLayout.JAVA_BYTE)).orElse(null),
              before);
      case 2 -> assertTrue(number, store.getValue(key).map(Value::toBytes).orElse(null), before);
      case 3 -> {
        assertThat(store.contains(key)).isTrue();
        assertThat(store.valueSize(key)).isPresent();
        assertThat(store.contains(key("never", number))).isFalse();
      }
      default -> readMany(store);
    }
  }

  private void readMany(KvStore store) {
    List<byte[]> keys = new ArrayList<>();
    long[] before = new long[STANDING];
    for (int number = 0; number < STANDING; number += 3) {
      before[number] = written.get(number);
      keys.add(key("s", number));
      keys.add(key("never", number));
    }
    List<byte[]> values = store.getAll(keys);
    assertThat(values).hasSameSizeAs(keys);
    for (int i = 0; i < keys.size(); i += 2) {
      int number = i / 2 * 3;
      assertTrue(number, values.get(i), before[number]);
      assertThat(values.get(i + 1)).isNull();
    }
  }

  private static int numberOf(byte[] key) {
    String text = new String(key, StandardCharsets.US_ASCII);
    return text.startsWith("s") ? Integer.parseInt(text.substring(1)) : -1;
  }

  private static void iterateKeys(KvStore store) {
    int[] met = new int[STANDING];
    try (Stream<byte[]> keys = store.keys()) {
      keys.forEach(key -> {
        if (numberOf(key) >= 0) {
          met[numberOf(key)]++;
        }
      });
    }
    assertThat(met).as("how often each standing key was met").containsOnly(1);
  }

  private void iterateEntries(KvStore store) {
    long[] before = new long[STANDING];
    for (int number = 0; number < STANDING; number++) {
      before[number] = written.get(number);
    }
    Map<Integer, byte[]> met = new HashMap<>();
    try (Stream<Entry> entries = store.entries()) {
      entries.forEach(entry -> {
        int number = numberOf(entry.key());
        if (number >= 0) {
          assertThat(met.put(number, entry.value().toBytes())).as("met twice").isNull();
        }
      });
    }
    assertThat(met).hasSize(STANDING);
    met.forEach((number, found) -> assertTrue(number, found, before[number]));
  }

  @Test
  void standingKeysAreNeverMissedOldOrTornWhileCompactionRuns() throws Exception {
    try (KvStore store = KvStore.open(directory, restless());
        Crew crew = new Crew()) {
      putAllStanding(store);
      crew.untilStopped("writer 0", () -> overwrite(store, 0, 2))
          .untilStopped("writer 1", () -> overwrite(store, 1, 2))
          .untilStopped("churn", () -> churn(store))
          .untilStopped("reader 0", () -> readOne(store))
          .untilStopped("reader 1", () -> readOne(store))
          .untilStopped("compactor", store::compact)
          .runFor(MILLIS);
      assertThat(store.stats().compactions()).isPositive();
      assertThat(store.stats().corruptReads()).isZero();
      for (int number = 0; number < STANDING; number++) {
        byte[] key = key("s", number);
        assertThat(store.get(key)).isEqualTo(value(key, written.get(number)));
      }
    }
  }

  @Test
  void iterationNeitherMissesNorRepeatsStandingKeys() throws Exception {
    try (KvStore store = KvStore.open(directory, restless());
        Crew crew = new Crew()) {
      putAllStanding(store);
      crew.untilStopped("writer", () -> overwrite(store, 0, 1))
          .untilStopped("churn", () -> churn(store))
          .untilStopped("keys", () -> iterateKeys(store))
          .untilStopped("entries", () -> iterateEntries(store))
          .untilStopped("compactor", store::compact)
          .runFor(MILLIS);
      assertThat(store.stats().compactions()).isPositive();
    }
  }

  @Test
  void everyWriteIsCountedAndTheStoreReopensAsItWas() throws Exception {
    Map<String, byte[]> held = new HashMap<>();
    try (KvStore store = KvStore.open(directory, restless());
        Crew crew = new Crew()) {
      putAllStanding(store);
      crew.untilStopped("writer", () -> overwrite(store, 0, 1))
          .untilStopped("churn 0", () -> churn(store))
          .untilStopped("churn 1", () -> churn(store))
          .runFor(MILLIS / 2);
      try (Stream<Entry> entries = store.entries()) {
        entries.forEach(entry -> held.put(entry.keyText(), entry.value().toBytes()));
      }
      assertThat(store.size()).isEqualTo(held.size());
    }
    try (KvStore store = KvStore.open(directory, restless())) {
      assertThat(store.size()).isEqualTo(held.size());
      held.forEach((key, value) ->
          assertThat(store.get(key.getBytes(StandardCharsets.UTF_8))).isEqualTo(value));
    }
  }

  @Test
  void aSlowReaderKeepsItsMemoryWhileItsSegmentIsCompactedAway() throws Exception {
    byte[] key = key("s", 1);
    try (KvStore store = KvStore.open(directory, restless())) {
      for (int round = 0; round < 6; round++) {
        putAllStanding(store);
        byte[] wanted = value(key, 0);
        var kept = new MemorySegment[1];
        Optional<Boolean> same =
            store.get(
                key,
                memory -> {
                  kept[0] = memory;
                  // All of it happens during this call: overwritten, sealed, compacted, unmapped.
                  for (int number = 0; number < STANDING; number++) {
                    byte[] other = key("s", number);
                    store.put(other, value(other, 7));
                  }
                  store.compact();
                  store.compact();
                  return Arrays.equals(memory.toArray(ValueLayout.JAVA_BYTE), wanted);
                });
        assertThat(same).contains(true);
        assertThat(store.get(key)).isEqualTo(value(key, 7));
        org.assertj.core.api.Assertions.assertThatThrownBy(
                () -> kept[0].get(ValueLayout.JAVA_BYTE, 0))
            .isInstanceOf(IllegalStateException.class);
      }
    }
  }

  @Test
  void sizeNeverLeavesTheRangeThatWritersAllow() throws Exception {
    AtomicLong sizes = new AtomicLong();
    AtomicBoolean wrong = new AtomicBoolean();
    try (KvStore store = KvStore.open(directory, restless());
        Crew crew = new Crew()) {
      putAllStanding(store);
      crew.untilStopped(
              "writer",
              () -> {
                byte[] key = key("x", 1);
                store.put(key, key);
                store.delete(key);
              })
          .untilStopped("writer of standing keys", () -> overwrite(store, 0, 1))
          .untilStopped(
              "counter",
              () -> {
                long size = store.size();
                sizes.incrementAndGet();
                if (size < STANDING || size > STANDING + 1) {
                  wrong.set(true);
                }
              })
          .runFor(500);
    }
    assertThat(sizes.get()).isPositive();
    assertThat(wrong).isFalse();
  }
}

package dev.kvstore.concurrent;

import static dev.kvstore.concurrent.StandingKeys.key;
import static dev.kvstore.concurrent.StandingKeys.restless;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.AsyncKvStore;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.StoreKeyException;
import dev.kvstore.StoreTooLargeException;
import dev.kvstore.Value;
import dev.kvstore.WriteBatch;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Many writers at once: sums are exact, order is the order of sequences, and durability is what was
/// asked for.
@Timeout(60)
class DurableWritesTest {
  /// Of values that make every few writes wait for a segment, which gives the append lock to others.
  private static final int VALUE_BYTES = 3000;

  @TempDir private Path directory;

  private KvStore open(Durability durability) {
    return KvStore.open(directory, restless().toBuilder().durability(durability).build());
  }

  @Test
  void aThousandVirtualThreadsShareTheForces() throws Exception {
    try (KvStore store = open(Durability.ALWAYS);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Long>> sequences = new ArrayList<>();
      for (int number = 0; number < 1000; number++) {
        byte[] key = key("v", number);
        sequences.add(
            threads.submit(() -> {
              long sequence = store.put(key, key);
              assertThat(store.durableSequence()).isGreaterThanOrEqualTo(sequence);
              return sequence;
            }));
      }
      List<Long> all = new ArrayList<>();
      for (Future<Long> sequence : sequences) {
        all.add(sequence.get());
      }
      assertThat(all).doesNotHaveDuplicates();
      assertThat(store.lastSequence()).isEqualTo(1000);
      assertThat(store.durableSequence()).isEqualTo(1000);
      assertThat(store.stats().syncs()).isLessThan(1000);
    }
    try (KvStore store = open(Durability.ALWAYS)) {
      assertThat(store.size()).isEqualTo(1000);
    }
  }

  @Test
  void incrementsOfManyVirtualThreadsSumExactly() throws Exception {
    try (KvStore store = open(Durability.OS);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> ends = new ArrayList<>();
      for (int thread = 0; thread < 200; thread++) {
        ends.add(
            threads.submit(() -> {
              for (int i = 0; i < 50; i++) {
                store.increment(key("counter", i % 3), 2);
              }
            }));
      }
      for (Future<?> end : ends) {
        end.get();
      }
      assertThat(store.getLong("counter0")).isEqualTo(OptionalLong.of(200 * 17 * 2));
      assertThat(store.getLong("counter1")).isEqualTo(OptionalLong.of(200 * 17 * 2));
      assertThat(store.getLong("counter2")).isEqualTo(OptionalLong.of(200 * 16 * 2));
    }
  }

  @Test
  void compareAndSetCountsExactly() throws Exception {
    byte[] key = key("cas", 0);
    int threads = 4;
    int each = 1500;
    try (KvStore store = open(Durability.OS);
        Crew crew = new Crew()) {
      for (int thread = 0; thread < threads; thread++) {
        crew.once(
            "cas " + thread,
            () -> {
              for (int done = 0; done < each; ) {
                byte[] seen = store.get(key);
                long next = seen == null ? 1 : ByteBuffer.wrap(seen).getLong() + 1;
                if (store.compareAndSet(
                    key, seen, ByteBuffer.allocate(VALUE_BYTES).putLong(next).array())) {
                  done++;
                }
              }
            });
      }
      crew.untilStopped("compactor", store::compact).begin();
      Awaitility.await()
          .atMost(30, TimeUnit.SECONDS)
          .until(() -> {
            byte[] seen = store.get(key);
            return seen != null && ByteBuffer.wrap(seen).getLong() == (long) threads * each;
          });
      crew.stop();
      assertThat(store.size()).isEqualTo(1);
    }
  }

  @Test
  void putIfAbsentHasOneWinner() throws Exception {
    try (KvStore store = open(Durability.OS);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int number = 0; number < 100; number++) {
        byte[] key = key("first", number);
        List<Future<Boolean>> tries = new ArrayList<>();
        for (int thread = 0; thread < 8; thread++) {
          byte[] mine = {(byte) thread};
          tries.add(threads.submit(() -> store.putIfAbsent(key, mine)));
        }
        int winner = -1;
        for (int thread = 0; thread < 8; thread++) {
          if (tries.get(thread).get()) {
            assertThat(winner).isEqualTo(-1);
            winner = thread;
          }
        }
        assertThat(store.get(key)).containsExactly(winner);
      }
    }
  }

  @Test
  void asyncCallsAreOrderedAsTheyWereMadeAndAllComplete() throws Exception {
    int writes = 5000;
    try (KvStore store = open(Durability.ALWAYS)) {
      AsyncKvStore async = store.async();
      List<CompletableFuture<Long>> sequences = new ArrayList<>();
      for (int number = 0; number < writes; number++) {
        sequences.add(async.put(key("a", number % 50), Value.of((long) number)));
      }
      for (int number = 0; number < writes; number++) {
        assertThat(sequences.get(number).get(30, TimeUnit.SECONDS)).isEqualTo(number + 1L);
      }
      assertThat(store.durableSequence()).isEqualTo(writes);
      for (int number = writes - 50; number < writes; number++) {
        assertThat(store.getLong("a" + number % 50)).hasValue(number);
      }
      assertThat(async.delete(key("a", 1)).get()).isTrue();
      assertThat(async.delete(key("a", 1)).get()).isFalse();
      assertThat(async.putIfAbsent(key("a", 2), new byte[0]).get()).isFalse();
      assertThat(async.increment(key("n", 0), 5).get()).isEqualTo(5);
      assertThat(async.write(new WriteBatch().put("x", "y").delete("x")).get())
          .isEqualTo(writes + 4L);
      assertThat(async.sync().get()).isEqualTo(store.lastSequence());
      assertThat(async.get(key("a", 1)).get()).isNull();
      assertThat(async.compact().get().segmentsRemoved()).isPositive();
    }
  }

  @Test
  void asyncErrorsArriveThroughTheFuture() {
    try (KvStore store = open(Durability.ALWAYS)) {
      AsyncKvStore async = store.async();
      assertFails(async.put(new byte[0], new byte[1]), StoreKeyException.class);
      assertFails(async.get(new byte[0]), StoreKeyException.class);
      assertFails(
          async.put(new byte[KvStore.KEY_BYTES_MAX + 1], new byte[1]),
          StoreTooLargeException.class);
      assertFails(async.put(null, new byte[1]), NullPointerException.class);
      assertFails(async.put(new byte[1], (byte[]) null), NullPointerException.class);
      assertFails(async.write(null), NullPointerException.class);
      assertFails(async.compareAndSet(null, null, null), NullPointerException.class);
      assertThat(store.lastSequence()).isZero();
    }
  }

  private static void assertFails(CompletableFuture<?> future, Class<? extends Throwable> type) {
    assertThatExceptionOfType(ExecutionException.class)
        .isThrownBy(() -> future.get(10, TimeUnit.SECONDS))
        .withCauseInstanceOf(type);
  }

  @Test
  void everyForcesByItself() {
    try (KvStore store = open(Durability.every(Duration.ofMillis(5)))) {
      for (int number = 1; number <= 5; number++) {
        long sequence = store.put("k", "v" + number);
        Awaitility.await()
            .atMost(10, TimeUnit.SECONDS)
            .pollInterval(1, TimeUnit.MILLISECONDS)
            .until(() -> store.durableSequence() >= sequence);
      }
    }
  }

  @Test
  void osForcesOnlyWhenAsked() {
    try (KvStore store = open(Durability.OS)) {
      long first = store.put("k", "v");
      assertThat(store.durableSequence()).isLessThan(first);
      long second = store.put("k", "w");
      store.awaitDurable(first);
      assertThat(store.durableSequence()).isGreaterThanOrEqualTo(first);
      assertThat(store.sync()).isEqualTo(second);
      assertThat(store.durableSequence()).isEqualTo(second);
      assertThatExceptionOfType(IllegalArgumentException.class)
          .isThrownBy(() -> store.awaitDurable(second + 1));
    }
  }

  @Test
  void oneWriteMayAskForAnotherDurabilityThanTheStore() {
    try (KvStore store = open(Durability.OS)) {
      KvStore safe = store.withDurability(Durability.ALWAYS);
      long sequence = store.put("k", "v");
      assertThat(store.durableSequence()).isLessThan(sequence);
      long durable = safe.put("l", "w");
      assertThat(store.durableSequence()).isGreaterThanOrEqualTo(durable);
      assertThat(safe.getString("k")).contains("v");
      long lazy = safe.withDurability(Durability.OS).put("m", "x");
      assertThat(store.durableSequence()).isLessThan(lazy);
      long timed = safe.withDurability(Durability.every(Duration.ofMillis(2))).put("n", "y");
      Awaitility.await().atMost(10, TimeUnit.SECONDS).until(() -> store.durableSequence() >= timed);
    }
  }
}

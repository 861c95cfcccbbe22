package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Many threads on one store, with compaction going on all the time.
@Timeout(120)
class ConcurrencyTest {
  private static final int THREADS = 8;

  @TempDir private Path temporary;

  private KvStore store;

  private static Options options(Durability durability) {
    return Options.builder()
        .durability(durability)
        .segmentBytesMax(32 << 10)
        .compaction(CompactionPolicy.automatic(0.1, 16 << 10))
        .build();
  }

  @BeforeEach
  void open() {
    store = KvStore.open(temporary, options(Durability.OS));
  }

  @AfterEach
  void close() {
    store.close();
  }

  private static <T> List<T> all(boolean virtual, List<Callable<T>> tasks) throws Exception {
    try (ExecutorService threads =
        virtual
            ? Executors.newVirtualThreadPerTaskExecutor()
            : Executors.newFixedThreadPool(tasks.size())) {
      List<T> results = new ArrayList<>();
      for (Future<T> future : threads.invokeAll(tasks)) {
        results.add(future.get());
      }
      return results;
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void noIncrementIsLost(boolean virtual) throws Exception {
    KvStore always = store.withDurability(Durability.ALWAYS);
    List<Callable<Long>> tasks = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      KvStore mine = t % 2 == 0 ? store : always;
      tasks.add(() -> {
        long last = 0;
        for (int i = 0; i < 500; i++) {
          long next = mine.increment("n", 1);
          assertThat(next).isGreaterThan(last);
          last = next;
        }
        return last;
      });
    }
    List<Long> lasts = all(virtual, tasks);
    assertThat(lasts).doesNotHaveDuplicates().contains(THREADS * 500L);
    assertThat(store.getLong("n")).hasValue(THREADS * 500L);
    assertThat(store.lastSequence()).isEqualTo(THREADS * 500L);
  }

  @Test
  void oneOfManyWinsEachCompareAndSet() throws Exception {
    store.put("a".getBytes(StandardCharsets.UTF_8), new byte[] {0});
    List<Callable<Integer>> tasks = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      tasks.add(() -> {
        int won = 0;
        for (int i = 0; i < 100; i++) {
          if (store.compareAndSet(
              "a".getBytes(StandardCharsets.UTF_8),
              new byte[] {(byte) i},
              new byte[] {(byte) (i + 1)})) {
            won++;
          }
          while (store.get("a".getBytes(StandardCharsets.UTF_8))[0] <= i) {
            Thread.onSpinWait();
          }
        }
        return won;
      });
    }
    assertThat(all(false, tasks).stream().mapToInt(Integer::intValue).sum()).isEqualTo(100);
  }

  /// Each writer sets its keys to rising numbers, so whatever is read must not be lower than what was
  /// read before, nor than what had been acknowledged.
  @Test
  void readersNeverSeeATimeBeforeOneTheyHaveSeen() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    List<Callable<Long>> tasks = new ArrayList<>();
    CountDownLatch writers = new CountDownLatch(3);
    CountDownLatch others =
        new CountDownLatch(4); // have begun, or the writers might be done before
    for (int t = 0; t < 3; t++) {
      int writer = t;
      tasks.add(() -> {
        others.await();
        long number = 0;
        for (; number < 4000; number++) {
          for (int key = 0; key < 5; key++) {
            store.put("w" + writer + "-" + key, Value.of(number));
          }
        }
        writers.countDown();
        writers.await();
        done.set(true);
        return number;
      });
    }
    for (int t = 0; t < 3; t++) {
      tasks.add(() -> {
        long[] seen = new long[15];
        Arrays.fill(seen, -1);
        long reads = 0;
        while (!done.get()) {
          for (int i = 0; i < 15; i++) {
            long number = store.getLong("w" + i / 5 + "-" + i % 5).orElse(-1);
            assertThat(number).isGreaterThanOrEqualTo(seen[i]);
            seen[i] = number;
          }
          reads++;
          if (reads == 1) {
            others.countDown();
          }
        }
        return reads;
      });
    }
    tasks.add(() -> {
      others.countDown();
      long rounds = 0;
      while (!done.get()) {
        store.compact();
        List<String> keys = store.keys().map(String::new).toList();
        assertThat(keys).doesNotHaveDuplicates().hasSizeLessThanOrEqualTo(15);
        rounds++;
      }
      return rounds;
    });
    all(false, tasks);
    assertThat(store.size()).isEqualTo(15);
    assertThat(store.stats().compactions()).isPositive();
    store.close();
    store = KvStore.open(temporary, options(Durability.OS));
    for (int i = 0; i < 15; i++) {
      assertThat(store.getLong("w" + i / 5 + "-" + i % 5)).hasValue(3999);
    }
  }

  @Test
  void oneForceServesManyWriters() throws Exception {
    KvStore always = store.withDurability(Durability.ALWAYS);
    List<Callable<Integer>> tasks = new ArrayList<>();
    for (int t = 0; t < 200; t++) {
      int writer = t;
      tasks.add(() -> {
        for (int i = 0; i < 20; i++) {
          long sequence = always.put("w" + writer, Value.of(i));
          assertThat(store.durableSequence()).isGreaterThanOrEqualTo(sequence);
        }
        return 0;
      });
    }
    all(true, tasks);
    assertThat(store.stats().syncs()).isLessThan(4000);
    assertThat(store.size()).isEqualTo(200);
  }

  @Test
  void anIntervalIsKeptWithoutAnyFurtherCall() {
    KvStore every = store.withDurability(Durability.every(Duration.ofMillis(20)));
    for (int round = 0; round < 5; round++) {
      long sequence = every.put("a", Value.of(round));
      await().atMost(Duration.ofSeconds(2)).until(() -> store.durableSequence() >= sequence);
    }
  }

  @Test
  void closeWhileManyWriteRefusesOrKeepsEachWrite() throws Exception {
    KvStore closing = store;
    CountDownLatch started = new CountDownLatch(THREADS);
    List<CompletableFuture<Long>> counts = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      int writer = t;
      counts.add(
          CompletableFuture.supplyAsync(
              () -> {
                long number = 0;
                started.countDown();
                try {
                  while (true) {
                    closing.put("w" + writer, Value.of(number + 1));
                    number++;
                    closing.getLong("w" + writer);
                  }
                } catch (StoreClosedException e) {
                  return number;
                }
              },
              task -> Thread.ofPlatform().start(task)));
    }
    started.await();
    long base = store.lastSequence();
    await().until(() -> closing.lastSequence() > base + 500);
    store.close();
    long[] acknowledged = counts.stream().mapToLong(CompletableFuture::join).toArray();
    store = KvStore.open(temporary, options(Durability.OS));
    for (int t = 0; t < THREADS; t++) {
      assertThat(store.getLong("w" + t).orElse(0)).isBetween(acknowledged[t], acknowledged[t] + 1);
    }
    assertThat(store.recovery().outcome()).isEqualTo(RecoveryReport.Outcome.CLEAN);
  }

  @Test
  void readersMayCloseInOnAStoreThatIsBeingClosed() throws Exception {
    for (int round = 0; round < 20; round++) {
      KvStore closing = store;
      for (int i = 0; i < 200; i++) {
        closing.put("key-" + i, "value");
      }
      List<CompletableFuture<Void>> readers = new ArrayList<>();
      CountDownLatch started = new CountDownLatch(4);
      for (int t = 0; t < 4; t++) {
        readers.add(
            CompletableFuture.runAsync(
                () -> {
                  try {
                    started.countDown();
                    while (true) {
                      assertThat(closing.getString("key-7")).contains("value");
                      assertThat(closing.keys().count()).isEqualTo(200);
                    }
                  } catch (StoreClosedException e) {
                    // As told.
                  }
                },
                task -> Thread.ofPlatform().start(task)));
      }
      started.await();
      closing.close();
      readers.forEach(CompletableFuture::join);
      store = KvStore.open(temporary, options(Durability.OS));
    }
  }
}

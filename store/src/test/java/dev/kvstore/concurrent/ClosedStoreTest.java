package dev.kvstore.concurrent;

import static dev.kvstore.concurrent.StandingKeys.key;
import static dev.kvstore.concurrent.StandingKeys.restless;
import static dev.kvstore.concurrent.StandingKeys.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNoException;

import dev.kvstore.CompactionJob;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.StoreClosedException;
import dev.kvstore.StoreCompactionException;
import dev.kvstore.Value;
import dev.kvstore.WriteBatch;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A closed store says that it is closed and nothing else, also to those who are in the middle of it.
@Timeout(60)
class ClosedStoreTest {
  @TempDir private Path directory;

  private static Map<String, Crew.Work> everyCall(KvStore store) {
    byte[] key = key("k", 1);
    return Map.ofEntries(
        Map.entry("get", () -> store.get(key)),
        Map.entry("get by function", () -> store.get(key, memory -> memory.byteSize())),
        Map.entry("getAll", () -> store.getAll(List.of(key, key))),
        Map.entry("getValue", () -> store.getValue(key)),
        Map.entry("contains", () -> store.contains(key)),
        Map.entry("valueSize", () -> store.valueSize(key)),
        Map.entry("size", store::size),
        Map.entry("keys", () -> store.keys().count()),
        Map.entry("entries", () -> store.entries().count()),
        Map.entry("put", () -> store.put(key, key)),
        Map.entry("put typed", () -> store.put(key, Value.of(1))),
        Map.entry("putAll", () -> store.putAll(List.of(dev.kvstore.Entry.of(key, key)))),
        Map.entry("delete", () -> store.delete(key)),
        Map.entry("write", () -> store.write(new WriteBatch().put("a", "b"))),
        Map.entry("putIfAbsent", () -> store.putIfAbsent(key, key)),
        Map.entry("compareAndSet", () -> store.compareAndSet(key, null, key)),
        Map.entry("increment", () -> store.increment(key, 1)),
        Map.entry("lastSequence", store::lastSequence),
        Map.entry("durableSequence", store::durableSequence),
        Map.entry("awaitDurable", () -> store.awaitDurable(1)),
        Map.entry("sync", store::sync),
        Map.entry("compact", store::compact),
        Map.entry("startCompaction", store::startCompaction),
        Map.entry("stats", store::stats));
  }

  @Test
  void everyCallAfterCloseSaysClosed() {
    KvStore store = KvStore.open(directory, restless());
    store.put("k1", "v");
    store.close();
    store.close();
    everyCall(store)
        .forEach((name, call) ->
            assertThatExceptionOfType(StoreClosedException.class).as(name).isThrownBy(call::run));
    everyCall(store.withDurability(Durability.OS))
        .forEach((name, call) ->
            assertThatExceptionOfType(StoreClosedException.class).as(name).isThrownBy(call::run));
    List<CompletableFuture<?>> futures =
        List.of(
            store.async().get(key("k", 1)),
            store.async().put(key("k", 1), key("k", 1)),
            store.async().delete(key("k", 1)),
            store.async().write(new WriteBatch()),
            store.async().increment(key("k", 1), 1),
            store.async().sync(),
            store.async().compact());
    assertThat(futures)
        .allSatisfy(future ->
            assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> future.get(10, TimeUnit.SECONDS))
                .withCauseInstanceOf(StoreClosedException.class));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ALWAYS", "OS", "EVERY"})
  void closeDuringEverythingLosesNothingAndHangsNobody(String durability) throws Exception {
    Durability wanted =
        switch (durability) {
          case "ALWAYS" -> Durability.ALWAYS;
          case "OS" -> Durability.OS;
          default -> Durability.every(Duration.ofMillis(1));
        };
    AtomicLong[] counters = {new AtomicLong(), new AtomicLong()};
    ConcurrentLinkedQueue<CompletableFuture<?>> futures = new ConcurrentLinkedQueue<>();
    AtomicLong asyncDone = new AtomicLong();
    for (int round = 0; round < 4; round++) {
      KvStore store = KvStore.open(directory, restless().toBuilder().durability(wanted).build());
      for (int writer = 0; writer < 2; writer++) {
        assertThat(store.getLong("count" + writer).orElse(0)).isEqualTo(counters[writer].get());
      }
      CountDownLatch busy = new CountDownLatch(4);
      try (Crew crew = new Crew()) {
        for (int writer = 0; writer < 2; writer++) {
          int number = writer;
          untilClosed(
              crew,
              "writer " + writer,
              busy,
              () -> {
                long next = counters[number].get() + 1;
                store.put("count" + number, Value.of(next));
                counters[number].set(next);
                byte[] key = key("k", ThreadLocalRandom.current().nextInt(200));
                store.put(key, value(key, next));
              });
        }
        untilClosed(
            crew,
            "reader",
            busy,
            () -> {
              byte[] key = key("k", ThreadLocalRandom.current().nextInt(200));
              byte[] found = store.get(key);
              if (found != null) {
                StandingKeys.version(key, found);
              }
              store
                  .get(key, memory -> memory.toArray(ValueLayout.JAVA_BYTE))
                  .ifPresent(copy -> StandingKeys.version(key, copy));
              store.stats();
            });
        Deque<CompletableFuture<Long>> inFlight = new ArrayDeque<>(); // of that one thread
        untilClosed(
            crew,
            "async",
            busy,
            () -> {
              var future = store.async().put(key("async", 0), key("v", 1));
              future.thenRun(asyncDone::incrementAndGet);
              if (future.isCompletedExceptionally()) {
                future.join(); // throws
              }
              inFlight.add(future);
              if (inFlight.size() == 200) { // or they would fill the heap
                inFlight.removeFirst().exceptionally(e -> -1L).get(30, TimeUnit.SECONDS);
              }
            });
        untilClosed(
            crew,
            "compactor",
            busy,
            () -> {
              try {
                store.compact();
              } catch (StoreCompactionException e) {
                assertThat(e).hasMessageContaining("cancelled");
              }
            });
        crew.begin();
        assertThat(busy.await(30, TimeUnit.SECONDS)).isTrue();
        crew.once("closer", store::close);
        store.close();
        crew.stop();
        futures.addAll(inFlight);
      }
    }
    for (CompletableFuture<?> future : futures) {
      try {
        future.get(10, TimeUnit.SECONDS);
      } catch (ExecutionException e) {
        assertThat(e).hasCauseInstanceOf(StoreClosedException.class);
      }
    }
    assertThat(counters[0]).hasPositiveValue();
  }

  /// Adds a thread that does something until it is told that the store is closed.
  private static void untilClosed(Crew crew, String name, CountDownLatch busy, Crew.Work work) {
    crew.once(
        name,
        () -> {
          try {
            for (int turn = 0; ; turn++) {
              work.run();
              if (turn == 20) {
                busy.countDown();
              }
            }
          } catch (StoreClosedException e) {
            // As it should be.
          } catch (CompletionException e) {
            assertThat(e).hasCauseInstanceOf(StoreClosedException.class);
          } finally {
            busy.countDown();
          }
        });
  }

  @Test
  void aReaderInTheMiddleKeepsItsMemoryAcrossTheClose() throws Exception {
    KvStore store = KvStore.open(directory, restless());
    byte[] key = key("k", 1);
    store.put(key, value(key, 3));
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    try (Crew crew = new Crew()) {
      crew.once(
              "reader",
              () ->
                  assertThat(
                          store.get(
                              key,
                              memory -> {
                                inside.countDown();
                                try {
                                  assertThat(closed.await(30, TimeUnit.SECONDS)).isTrue();
                                } catch (InterruptedException e) {
                                  throw new IllegalStateException(e);
                                }
                                return memory.toArray(ValueLayout.JAVA_BYTE);
                              }))
                      .contains(value(key, 3)))
          .begin();
      assertThat(inside.await(30, TimeUnit.SECONDS)).isTrue();
      store.close();
      closed.countDown();
      crew.stop();
    }
  }

  @Test
  void aJobThatTheCloseEndsSaysSo() {
    List<CompactionJob> jobs = new ArrayList<>();
    KvStore store = KvStore.open(directory, restless());
    for (int number = 0; number < 3000; number++) {
      store.put(key("k", number % 700), value(key("k", number % 700), number));
    }
    jobs.add(store.startCompaction());
    store.close();
    for (CompactionJob job : jobs) {
      assertThat(job.future()).isDone();
      assertThatNoException()
          .isThrownBy(() -> {
            try {
              job.join();
            } catch (StoreClosedException | StoreCompactionException e) {
              // Either it was waiting or it was under way.
            }
          });
    }
    try (KvStore again = KvStore.open(directory, restless())) {
      assertThat(again.size()).isEqualTo(700);
    }
  }
}

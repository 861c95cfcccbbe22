package dev.kvstore.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.CompactionJob;
import dev.kvstore.CompactionPolicy;
import dev.kvstore.CompactionReport;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.RecoveryReport;
import dev.kvstore.StoreClosedException;
import dev.kvstore.StoreCompactionException;
import dev.kvstore.io.Access;
import dev.kvstore.io.DiskDirectory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The store's own threads: late, or not to be had.
@Timeout(60)
class OwnThreadsTest {
  private static final Options OPTIONS =
      Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(1 << 20)
          .compaction(CompactionPolicy.manual())
          .build();
  private static final int KEYS = 3000;

  @TempDir private Path directory;

  // Names of threads that cannot be started from now on.
  private final Set<String> refused = ConcurrentHashMap.newKeySet();

  private KvStore open(Workers.Maker maker) {
    return open(OPTIONS, maker);
  }

  private KvStore open(Options options, Workers.Maker maker) {
    return StoreEngine.open(
        DiskDirectory.open(directory, Access.WRITE, true),
        options,
        new Environment(InstantSource.system(), new SplittableRandom(5), Workers.threads(maker)));
  }

  private Thread unlessRefused(String name, Runnable task) {
    if (refused.contains(name)) {
      throw new OutOfMemoryError("unable to create native thread");
    }
    return Thread.ofPlatform().daemon().name(name).unstarted(task);
  }

  private static byte[] key(int number) {
    return ("key" + number).getBytes(StandardCharsets.US_ASCII);
  }

  private static void fill(KvStore store) {
    for (int number = 0; number < KEYS; number++) {
      store.put(key(number), new byte[1000]);
    }
  }

  private static void requireFilled(KvStore store) {
    for (int number = 0; number < KEYS; number++) {
      assertThat(store.get(key(number))).hasSize(1000);
    }
  }

  // ---- Compaction on demand

  @Test
  void aCompactionThatWasCancelledIsNobodyElses() {
    CountDownLatch allowed = new CountDownLatch(1);
    try (KvStore store =
        open((name, task) ->
            unlessRefused(name, name.equals("store-compact") ? after(allowed, task) : task))) {
      fill(store);
      fill(store);
      CompactionJob unwanted = store.startCompaction();
      CompactionJob joined = store.startCompaction();
      unwanted.cancel();
      CompactionJob wanted = store.startCompaction();
      allowed.countDown();
      assertThat(joined).isSameAs(unwanted);
      assertThat(wanted.join().bytesFreed()).isPositive();
      assertThatExceptionOfType(StoreCompactionException.class)
          .isThrownBy(unwanted::join)
          .withMessageContaining("cancelled");
      requireFilled(store);
    }
  }

  private static Runnable after(CountDownLatch latch, Runnable task) {
    return () -> {
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      task.run();
    };
  }

  @Test
  void aCompactionThatHasEndedIsNotJoinedThoughNobodyHasBeenToldYet() {
    Queue<Runnable> answers = new ArrayDeque<>();
    DemandedCompaction job = new DemandedCompaction(answers::add);
    assertThat(job.isJoinable()).isTrue();
    job.complete(nothing());
    assertThat(job.future()).isNotDone();
    assertThat(job.isJoinable()).isFalse();
    answers.remove().run();
    assertThat(job.join()).isEqualTo(nothing());
  }

  @Test
  void whatBecameOfACompactionIsToldWithoutAThread() {
    for (boolean good : List.of(true, false)) {
      DemandedCompaction job = new DemandedCompaction(OwnThreadsTest::refuse);
      if (good) {
        job.complete(nothing());
        assertThat(job.join()).isEqualTo(nothing());
      } else {
        job.fail(new StoreCompactionException("failed"));
        assertThatExceptionOfType(StoreCompactionException.class).isThrownBy(job::join);
      }
    }
  }

  private static void refuse(Runnable task) {
    throw new OutOfMemoryError("unable to create native thread");
  }

  private static CompactionReport nothing() {
    return new CompactionReport(0, 0, 0, 0, 0, Duration.ZERO);
  }

  // ---- No thread

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCloseThatGetsNoThreadClosesAllTheSame(boolean interrupted) {
    KvStore store = open(this::unlessRefused);
    fill(store);
    refused.add("store-close");
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    store.close();
    assertThat(Thread.interrupted()).isEqualTo(interrupted);
    store.close();
    assertThatExceptionOfType(StoreClosedException.class).isThrownBy(() -> store.get(key(0)));
    try (KvStore again = KvStore.open(directory, OPTIONS)) {
      assertThat(again.recovery().outcome()).isEqualTo(RecoveryReport.Outcome.CLEAN);
      requireFilled(again);
    }
  }

  @Test
  void anIntervalWithoutAThreadIsKeptByTheWriterAndByTheThreadOnceThereIsOne() {
    Options options =
        OPTIONS.toBuilder().durability(Durability.every(Duration.ofMillis(50))).build();
    refused.add("store-sync");
    try (KvStore store = open(options, this::unlessRefused)) {
      for (int number = 0; number < 3; number++) {
        long sequence = store.put(key(number), key(number));
        assertThat(store.durableSequence()).isEqualTo(sequence);
      }
      refused.clear();
      for (int number = 0; number < 3; number++) {
        long sequence = store.put(key(number), key(number));
        Awaitility.await().until(() -> store.durableSequence() >= sequence);
      }
    }
  }

  @Test
  void anErrorOfACallThatDoesNotWaitArrivesThroughItsFuture() {
    try (KvStore store = open(this::unlessRefused)) {
      refused.add("store-allocate");
      assertThat(store.async().put(key(0), key(0)))
          .failsWithin(Duration.ofSeconds(10))
          .withThrowableOfType(ExecutionException.class)
          .withCauseInstanceOf(OutOfMemoryError.class);
      refused.clear();
      store.async().put(key(0), key(1)).join();
      assertThat(store.get(key(0))).isEqualTo(key(1));
    }
  }

  @Test
  void anOpenThatGetsNoThreadForMissingHintsDoesWithout() throws IOException {
    try (KvStore store = open(this::unlessRefused)) {
      fill(store);
    }
    List<Path> hints = hints();
    assertThat(hints).hasSizeGreaterThan(1);
    for (Path hint : hints) {
      Files.delete(hint);
    }
    refused.add("store-compact");
    try (KvStore store = open(this::unlessRefused)) {
      requireFilled(store);
      assertThat(hints()).isEmpty();
    }
    refused.clear();
    try (KvStore store = open(this::unlessRefused)) {
      Awaitility.await().until(() -> hints().size() == hints.size());
      requireFilled(store);
    }
  }

  private List<Path> hints() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(".hint")).toList();
    }
  }
}

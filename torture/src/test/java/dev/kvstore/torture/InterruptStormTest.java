package dev.kvstore.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.StoreInspector;
import dev.kvstore.testkit.PublicCalls;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.TortureShare;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Threads of both kinds are interrupted all the time, in every public call, open and close included: each
/// call does its work, the store stays usable from any other thread.
class InterruptStormTest {
  private static final int THREADS = 4;
  private static final int ROUNDS_OF_A_LIFE = 6;

  @TempDir private Path temporary;

  private final Map<String, Long> calls = new TreeMap<>();
  private final LongAdder met = new LongAdder();

  @Test
  @Timeout(60)
  void interruptsInTheMiddleOfCallsHarmNobody() {
    Seed.fresh(random -> live(random, temporary));
    assertThat(met.sum()).as("calls that an interrupt met").isGreaterThan(100);
  }

  @Test
  @Tag("torture")
  void interruptsInTheMiddleOfCallsHarmNobodyHoweverMany() {
    long begin = System.nanoTime();
    int lives = 0;
    do {
      Seed.fresh(random -> live(random, temporary));
      lives++;
    } while (System.nanoTime() - begin < TortureShare.INTERRUPTS.duration().toNanos());
    TortureShare.INTERRUPTS.report(
        lives + " lives of a store, " + met + " calls met by an interrupt, of " + calls);
  }

  /// One life: opened, used and closed by threads under fire, then opened by one that is not.
  private void live(SplittableRandom random, Path directory) {
    Options options =
        Options.builder()
            .durability(Runs.DURABILITIES.get(random.nextInt(Runs.DURABILITIES.size())))
            .segmentBytesMax(16 << 10)
            .compaction(
                random.nextBoolean()
                    ? CompactionPolicy.manual()
                    : CompactionPolicy.threshold(20_000))
            .build();
    KvStore[] store = new KvStore[1];
    underFire(List.of(() -> store[0] = KvStore.open(directory, options)));
    List<Runnable> work = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      PublicCalls own = new PublicCalls(store[0], random.nextLong() + "-");
      work.add(() -> {
        for (int round = 0; round < ROUNDS_OF_A_LIFE; round++) {
          own.byName().values().forEach(this::call);
        }
      });
      own.byName().keySet().forEach(name -> calls.merge(name, (long) ROUNDS_OF_A_LIFE, Long::sum));
    }
    underFire(work);
    new PublicCalls(store[0], random.nextLong() + "-").byName().values().forEach(Runnable::run);
    long size = store[0].size();
    underFire(List.of(store[0]::close));
    calls.merge("open", 1L, Long::sum);
    calls.merge("close", 1L, Long::sum);
    assertThat(StoreInspector.verify(directory, Progress.NONE).damages()).isEmpty();
    try (KvStore again = KvStore.open(directory)) {
      assertThat(again.size()).isEqualTo(size);
      again
          .withDurability(Durability.OS)
          .keys()
          .forEach(again.withDurability(Durability.OS)::delete);
      again.compact();
    }
  }

  /// Begins without the flag, so that the next interrupt comes in the middle.
  private void call(Runnable call) {
    Thread.interrupted();
    call.run();
    if (Thread.currentThread().isInterrupted()) {
      met.increment();
    }
  }

  /// Runs each on a thread of its own, every second a virtual one, and interrupts these until they end.
  private void underFire(List<Runnable> work) {
    CountDownLatch left = new CountDownLatch(work.size());
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (Runnable one : work) {
      threads.add(
          (threads.size() % 2 == 0 ? Thread.ofPlatform() : Thread.ofVirtual())
              .start(() -> {
                try {
                  one.run();
                } catch (Throwable e) {
                  failure.compareAndSet(null, e);
                } finally {
                  left.countDown();
                }
              }));
    }
    while (left.getCount() > 0) {
      threads.forEach(Thread::interrupt);
      LockSupport.parkNanos(20_000);
    }
    if (failure.get() != null) {
      throw new AssertionError(failure.get());
    }
  }
}

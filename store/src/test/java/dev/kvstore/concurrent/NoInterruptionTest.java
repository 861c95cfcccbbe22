package dev.kvstore.concurrent;

import static dev.kvstore.concurrent.StandingKeys.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// No thread that uses a store is ever interrupted by it, although the JVM interrupts those who read
/// memory that is being closed, as sealing and compaction do all the time.
@Timeout(60)
class NoInterruptionTest {
  private static final int KEYS = 4000;
  private static final int COMPACTIONS = 20;
  private static final Options OPTIONS =
      Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(1 << 20)
          .compaction(CompactionPolicy.automatic(0.3, 256 << 10))
          .build();

  @TempDir private Path directory;

  private final AtomicBoolean done = new AtomicBoolean();
  private final AtomicInteger interruptions = new AtomicInteger();

  private Thread repeat(int seed, Consumer<byte[]> operation) {
    return Thread.ofPlatform()
        .start(() -> {
          SplittableRandom random = new SplittableRandom(seed);
          while (!done.get()) {
            operation.accept(key("k", random.nextInt(KEYS)));
            if (Thread.interrupted()) {
              interruptions.incrementAndGet();
            }
          }
        });
  }

  @Test
  void nobodyIsInterruptedWhileSegmentsComeAndGo() throws InterruptedException {
    try (KvStore store = KvStore.open(directory, OPTIONS)) {
      byte[] value = new byte[100];
      List<Thread> threads = new ArrayList<>();
      for (int seed = 0; seed < 3; seed++) {
        threads.add(repeat(seed, store::get));
      }
      threads.add(repeat(3, key -> store.getAll(List.of(key, key("k", 1), key("k", 2)))));
      threads.add(repeat(4, key -> store.get(key, memory -> memory.byteSize())));
      threads.add(repeat(5, key -> store.put(key, value)));
      threads.add(repeat(6, key -> store.put(key, value)));
      while (store.stats().compactions() < COMPACTIONS) {
        Thread.sleep(10);
      }
      done.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertThat(interruptions).hasValue(0);
  }
}

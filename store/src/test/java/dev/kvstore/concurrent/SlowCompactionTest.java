package dev.kvstore.concurrent;

import static dev.kvstore.concurrent.StandingKeys.key;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Stats;
import dev.kvstore.engine.Environment;
import dev.kvstore.engine.StoreEngine;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Writers that are faster than compaction can be. Its copies go to the disk by plain writes, which are
/// slow here; puts go through memory and are not.
@Timeout(60)
class SlowCompactionTest {
  private static final long COPIED_PER_SECOND = 16 << 20;
  private static final int KEYS = 16_000;
  private static final int VALUE_BYTES = 1000;
  private static final long LIVE_BYTES = KEYS * (VALUE_BYTES + 40L);
  private static final double RATIO = 0.3;
  private static final Options OPTIONS =
      Options.builder()
          .durability(Durability.OS)
          .compaction(CompactionPolicy.automatic(RATIO, 1 << 20))
          .build();

  @TempDir private Path path;

  // ---- A disk whose plain writes are slow

  private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private static Directory slow(Directory directory) {
    return proxy(
        Directory.class,
        (self, method, arguments) -> {
          Object result = call(directory, method, arguments);
          return result instanceof FileHandle file ? slow(file) : result;
        });
  }

  private static FileHandle slow(FileHandle file) {
    return proxy(
        FileHandle.class,
        (self, method, arguments) -> {
          if (method.getName().equals("write") && file.name().endsWith(".seg")) {
            long bytes = ((MemorySegment) arguments[1]).byteSize();
            Thread.sleep(bytes * 1000 / COPIED_PER_SECOND);
          }
          return call(file, method, arguments);
        });
  }

  private KvStore open(Options options) {
    Directory directory = DiskDirectory.open(path, Access.WRITE, true);
    return StoreEngine.open(slow(directory), options, Environment.system());
  }

  // ---- What writers do to it

  private static long lengthOf(Stats stats) {
    return stats.liveBytes() + stats.garbageBytes();
  }

  /// What overwriting for some seconds has led to.
  ///
  /// @param longest the log at its longest, in bytes
  private record Outcome(long puts, long longest, boolean haveWaited, long slowestNanos) {}

  private static Outcome overwrite(KvStore store, int seconds) throws InterruptedException {
    AtomicBoolean done = new AtomicBoolean();
    long[] slowest = {0};
    long[] puts = {0};
    Thread writer =
        Thread.ofPlatform()
            .start(() -> {
              byte[] value = new byte[VALUE_BYTES];
              SplittableRandom random = new SplittableRandom(3);
              while (!done.get()) {
                long start = System.nanoTime();
                store.put(key("k", random.nextInt(KEYS)), value);
                puts[0]++;
                slowest[0] = Math.max(slowest[0], System.nanoTime() - start);
              }
            });
    long longest = 0;
    boolean haveWaited = false;
    for (long end = System.nanoTime() + seconds * 1_000_000_000L; System.nanoTime() < end; ) {
      Thread.sleep(10);
      Stats stats = store.stats();
      longest = Math.max(longest, lengthOf(stats));
      haveWaited |= stats.compactionState().contains("writers wait");
    }
    done.set(true);
    writer.join();
    return new Outcome(puts[0], longest, haveWaited, slowest[0]);
  }

  @Test
  void writersWaitSoThatTheLogHasABound() throws InterruptedException {
    try (KvStore store = open(OPTIONS)) {
      overwrite(store, 1);
      long putsBefore = store.stats().puts();
      Outcome outcome = overwrite(store, 5);
      String told = String.format(Locale.ROOT, "%s, %s", outcome, store.stats().compactionState());
      assertThat(outcome.haveWaited).as(told).isTrue();
      double allowed = LIVE_BYTES / (1 - RATIO);
      assertThat((double) outcome.longest).as(told).isLessThan(8 * allowed);
      assertThat(outcome.puts).as(told).isGreaterThan(500);
      assertThat(store.stats().puts() - putsBefore).isEqualTo(outcome.puts);
    }
  }

  @Test
  void writersDoNotWaitWhereTheOptionsAskForSlowCompaction() throws InterruptedException {
    Options limited = OPTIONS.toBuilder().compactionBytesPerSecondMax(64 << 10).build();
    try (KvStore store = open(limited)) {
      Outcome outcome = overwrite(store, 4);
      assertThat(outcome.haveWaited).isFalse();
      assertThat(outcome.longest).isGreaterThan(4 * LIVE_BYTES);
      assertThat(store.stats().compactionState()).contains("as the options say");
    }
  }
}

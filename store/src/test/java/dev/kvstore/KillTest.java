package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Seed;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Kills a writing process (`kill -9`) at random moments, many times on the same directory, and holds
/// the store to what the process had printed: every acknowledged write is there.
class KillTest {
  private static final int KEYS = 50;
  private static final int THREADS = 4;

  @TempDir private Path temporary;

  /// Each thread has keys of its own and counts its writes: number `n` sets the count, sets key
  /// `n % KEYS`, and removes the one that was set `KEYS / 2` writes ago. Printed is what was
  /// acknowledged.
  static final class Writer {
    private Writer() {}

    public static void main(String[] arguments) throws Exception {
      Options options =
          Options.builder()
              .durability(durability(arguments[1]))
              .segmentBytesMax(64 << 10)
              .compaction(CompactionPolicy.automatic(0.2, 64 << 10))
              .build();
      int threads = Integer.parseInt(arguments[2]);
      PrintStream out = new PrintStream(System.out, false, StandardCharsets.US_ASCII);
      KvStore store = KvStore.open(Path.of(arguments[0]), options);
      CountDownLatch never = new CountDownLatch(1);
      for (int t = 0; t < threads; t++) {
        int thread = t;
        Thread.ofPlatform().start(() -> write(store, thread, out));
      }
      out.println("open");
      out.flush();
      never.await();
    }

    private static void write(KvStore store, int thread, PrintStream out) {
      long number = store.getLong("count-" + thread).orElse(0);
      while (true) {
        number++;
        store.write(batch(thread, number));
        synchronized (out) {
          out.println(thread + " " + number);
          out.flush();
        }
      }
    }

    private static Durability durability(String name) {
      return switch (name) {
        case "ALWAYS" -> Durability.ALWAYS;
        case "EVERY" -> Durability.every(Duration.ofMillis(5));
        default -> Durability.OS;
      };
    }
  }

  private static String key(int thread, long number) {
    return "t" + thread + "-" + number % KEYS;
  }

  private static String value(long number) {
    return number + "x".repeat((int) (number * 31 % 300));
  }

  private static WriteBatch batch(int thread, long number) {
    return new WriteBatch()
        .put(("count-" + thread).getBytes(StandardCharsets.US_ASCII), Value.of(number))
        .put(key(thread, number), value(number))
        .delete(key(thread, number + KEYS / 2));
  }

  @Test
  @Timeout(120)
  void everyAcknowledgedWriteOutlivesTheProcess() {
    Seed.fresh(random -> killRounds(random, 9));
  }

  @Test
  @Tag("torture")
  void everyAcknowledgedWriteOutlivesTheProcessManyTimes() {
    long minutes = Long.getLong("kvstore.torture.minutes", 10);
    long end = System.nanoTime() + Duration.ofMinutes(minutes).toNanos() / 2;
    Seed.fresh(random -> {
      while (System.nanoTime() < end) {
        killRounds(random, 9);
      }
    });
  }

  private void killRounds(SplittableRandom random, int rounds) {
    Path directory = temporary.resolve("store" + random.nextInt(Integer.MAX_VALUE));
    long[] counts = new long[THREADS];
    for (int round = 0; round < rounds; round++) {
      String durability = List.of("ALWAYS", "EVERY", "OS").get(round % 3);
      int threads = round % 2 == 0 ? 1 : THREADS;
      killOnce(directory, durability, threads, counts, random.nextInt(900));
      check(directory, counts, "round " + round + ", " + durability + ", " + threads + " threads");
    }
  }

  /// Raises the counts to the last write that each thread had acknowledged.
  private static void killOnce(
      Path directory, String durability, int threads, long[] counts, int millis) {
    try {
      Process process = start(directory, durability, threads);
      try (BufferedReader output = process.inputReader(StandardCharsets.US_ASCII)) {
        assertThat(output.readLine()).isEqualTo("open");
        Thread killer = new Thread(() -> killSoon(process, millis));
        killer.start();
        for (String line = output.readLine(); line != null; line = output.readLine()) {
          String[] parts = line.split(" ");
          if (parts.length == 2) { // the last line may have been cut too
            int thread = Integer.parseInt(parts[0]);
            counts[thread] = Math.max(counts[thread], Long.parseLong(parts[1]));
          }
        }
        killer.join();
      } finally {
        process.destroyForcibly().waitFor();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /// Any moment is as good as another: there is nothing to wait for.
  private static void killSoon(Process process, int millis) {
    LockSupport.parkNanos(Duration.ofMillis(millis).toNanos());
    process.toHandle().destroyForcibly(); // by the handle: what was printed can still be read
  }

  private static Process start(Path directory, String durability, int threads) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx256m",
            "-cp",
            System.getProperty("java.class.path"),
            Writer.class.getName(),
            directory.toString(),
            durability,
            Integer.toString(threads))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /// Each thread has what it had acknowledged, and at most the one write that was under way; and of
  /// the writes that are there, each is there as a whole.
  private static void check(Path directory, long[] counts, String event) {
    try (KvStore store = KvStore.open(directory)) {
      assertThat(store.recovery().damages()).as(event).isEmpty();
      for (int thread = 0; thread < THREADS; thread++) {
        long count = store.getLong("count-" + thread).orElse(0);
        assertThat(count)
            .as("%s: last write of thread %d; %s", event, thread, store.recovery())
            .isBetween(counts[thread], counts[thread] + 1);
        counts[thread] = count;
        for (long number = Math.max(1, count - KEYS + 1); number <= count; number++) {
          boolean removed = number + KEYS / 2 <= count;
          assertThat(store.getString(key(thread, number)).orElse(null))
              .as("%s: write %d of %d of thread %d", event, number, count, thread)
              .isEqualTo(removed ? null : value(number));
        }
      }
    }
  }
}

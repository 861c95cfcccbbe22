package dev.kvstore.cli;

import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `bench`: a quick look at what this machine makes of the store. Every value read is checked.
@Command(
    name = "bench",
    description = {
      "Measures this machine quickly.",
      "Writes, reads, misses and reopens, in a temporary directory beside the store that --data-dir"
          + " names, else where the system has such directories. The store itself is not touched.",
    },
    footer = "16-byte keys in random order. The single figures of one short run are no benchmark.")
final class BenchVerb extends Verb {
  private static final int KEY_BYTES = 16;
  private static final int VIRTUAL_THREADS = 64;
  private static final int PROGRESS_EVERY = 1 << 12;

  @Option(names = "--keys", paramLabel = "N", description = "How many keys. Default: 200000.")
  private String keysText = "200000";

  @Option(
      names = "--value-bytes",
      paramLabel = "N",
      description = "Length of each value. Default: 100.")
  private String valueBytesText = "100";

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "How long each of the rows lasts that wait for the disk. Default: 2.")
  private String secondsText = "2";

  private final List<String[]> rows = new ArrayList<>();

  // Read by the interrupt's thread.
  private volatile @Nullable KvStore open;

  @Override
  int run() throws IOException {
    int keys = number("--keys", keysText, 1, 100_000_000);
    int valueBytes = number("--value-bytes", valueBytesText, 0, 1 << 20);
    int seconds = number("--seconds", secondsText, 1, 3600);
    Path beside = kvstore().namesDirectory() ? directory().toAbsolutePath().getParent() : null;
    try (TemporaryDirectory temporary = new TemporaryDirectory(beside);
        Interrupts.Registration _ = kvstore().interrupts().onInterrupt(() -> stop(temporary))) {
      out()
          .line(
              "store in "
                  + temporary.path()
                  + ", "
                  + Units.count(keys, "key")
                  + " of "
                  + KEY_BYTES
                  + " B, values of "
                  + valueBytes
                  + " B");
      out().flush();
      rows.add(new String[] {"work", "operations", "in", "per second", "p50", "p99"});
      measure(temporary.path().resolve("store"), keys, valueBytes, seconds);
    }
    new TextTable(rows).print(out());
    return ExitCode.DONE;
  }

  private static int number(String name, String text, int least, int most) {
    if (text.matches("[0-9]{1,10}")) {
      long number = Long.parseLong(text);
      if (number >= least && number <= most) {
        return (int) number;
      }
    }
    throw new BadInputException(name + " must be " + least + " to " + most + ", not " + text);
  }

  private void stop(TemporaryDirectory temporary) {
    KvStore store = open;
    if (store != null) {
      store.close();
    }
    temporary.delete();
  }

  private void measure(Path directory, int keys, int valueBytes, int seconds) {
    byte[] value = new byte[valueBytes];
    new SplittableRandom(1).nextBytes(value);
    Options relaxed = Options.builder().durability(Durability.OS).build();
    try (KvStore store = KvStore.open(directory, relaxed)) {
      open = store;
      counted("put, durability os", keys, i -> store.put(key(i, true), value));
      SplittableRandom random = new SplittableRandom(2);
      counted(
          "get",
          keys,
          i -> {
            byte[] found = store.get(key(random.nextInt(keys), true));
            if (found == null || found.length != valueBytes || !Arrays.equals(found, value)) {
              throw new IllegalStateException("the store returned a wrong value");
            }
          });
      counted(
          "get of a missing key",
          keys,
          i -> {
            if (store.get(key(i, false)) != null) {
              throw new IllegalStateException("the store returned a value nobody put");
            }
          });
      KvStore strict = store.withDurability(Durability.ALWAYS);
      timed("put, always, 1 thread", 1, seconds, i -> strict.put(key(i % keys, true), value));
      timed(
          "put, always, " + VIRTUAL_THREADS + " virtual threads",
          VIRTUAL_THREADS,
          seconds,
          i -> strict.put(key(i % keys, true), value));
    }
    long begin = System.nanoTime();
    try (KvStore store = KvStore.open(directory, relaxed)) {
      open = store;
      long nanos = System.nanoTime() - begin;
      if (store.size() != keys) {
        throw new IllegalStateException("the store lost keys");
      }
      rows.add(new String[] {"open", "1", Units.nanos(nanos), "", "", ""});
    }
  }

  /// Work on the key of a number.
  private interface Work {
    void on(long number);
  }

  private void counted(String name, int count, Work work) {
    Histogram histogram = new Histogram(TimeUnit.MINUTES.toNanos(10), 3);
    long begin = System.nanoTime();
    try (ProgressRow progress = ProgressRow.ofPieces(streams(), name, count)) {
      long before = begin;
      for (int i = 0; i < count; i++) {
        work.on(i);
        long now = System.nanoTime();
        histogram.recordValue(Math.min(now - before, histogram.getHighestTrackableValue()));
        before = now;
        if (i % PROGRESS_EVERY == 0) {
          progress.at(i);
        }
      }
      progress.at(count);
    }
    row(name, count, System.nanoTime() - begin, histogram);
  }

  private void timed(String name, int threads, int seconds, Work work) {
    Histogram histogram = new ConcurrentHistogram(TimeUnit.MINUTES.toNanos(10), 3);
    AtomicLong next = new AtomicLong();
    AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
    long begin = System.nanoTime();
    long end = begin + TimeUnit.SECONDS.toNanos(seconds);
    List<Thread> running = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      running.add(
          Thread.ofVirtual()
              .start(() -> {
                try {
                  for (long now = System.nanoTime(); now < end && failure.get() == null; ) {
                    long before = now;
                    work.on(next.getAndIncrement());
                    now = System.nanoTime();
                    histogram.recordValue(
                        Math.min(now - before, histogram.getHighestTrackableValue()));
                  }
                } catch (RuntimeException e) {
                  failure.compareAndSet(null, e);
                }
              }));
    }
    try (ProgressRow progress =
        ProgressRow.ofPieces(streams(), name, TimeUnit.SECONDS.toMillis(seconds))) {
      for (Thread thread : running) {
        while (!joined(thread)) {
          progress.at(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
        }
      }
    }
    RuntimeException failed = failure.get();
    if (failed != null) {
      throw failed;
    }
    row(name, histogram.getTotalCount(), System.nanoTime() - begin, histogram);
  }

  private static boolean joined(Thread thread) {
    try {
      return thread.join(Duration.ofMillis(100));
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  private void row(String name, long count, long nanos, Histogram histogram) {
    rows.add(
        new String[] {
          name,
          Units.count(count),
          Units.nanos(nanos),
          Units.count((long) Units.perSecond(count, nanos)),
          Units.nanos(histogram.getValueAtPercentile(50)),
          Units.nanos(histogram.getValueAtPercentile(99))
        });
  }

  /// 16 hexadecimal digits; different numbers have different keys, and no key of one kind is one of
  /// the other.
  private static byte[] key(long number, boolean present) {
    long mixed = (2 * number + (present ? 0 : 1)) * 0x9E3779B97F4A7C15L;
    byte[] key = new byte[KEY_BYTES];
    for (int i = 0; i < KEY_BYTES; i++) {
      key[i] = (byte) Character.forDigit((int) (mixed >>> (60 - 4 * i)) & 15, 16);
    }
    return key;
  }
}

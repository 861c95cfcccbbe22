package dev.kvstore.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreException;
import dev.kvstore.process.ChildJvm;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.TortureShare;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Somebody cuts, empties, removes or overwrites files of a store while threads read, write and compact:
/// each call gives the right value or an error of the store's own, of a file that was left alone the right
/// value, and the JVM lives.
class MeddlingWhileBusyTest {
  private static final String COUNTS = "counts ";

  @TempDir private Path temporary;

  /// What is done to a file.
  private enum Meddling {
    CUT,
    EMPTY,
    REMOVE,
    OVERWRITE
  }

  private long[] run(int lives, long seed) {
    try (ChildJvm child =
        ChildJvm.start(
            temporary.resolve("out"), Victim.class, temporary.resolve("s" + seed), lives, seed)) {
      String said = child.awaitEnd();
      return said.lines()
          .filter(line -> line.startsWith(COUNTS))
          .map(line -> line.substring(COUNTS.length()).split(" "))
          .map(words -> Arrays.stream(words).mapToLong(Long::parseLong).toArray())
          .findFirst()
          .orElseThrow(() -> new AssertionError(said));
    }
  }

  @Test
  @Timeout(60)
  void meddledFilesGiveRightValuesOrErrorsAndTheJvmLives() {
    Seed.fresh(random -> require(run(8, random.nextLong())));
  }

  private static void require(long[] counts) {
    assertThat(counts[1]).as("files meddled with").isPositive();
    assertThat(counts[4])
        .as("right answers from files left alone, in each life all and more than once")
        .isGreaterThan(counts[0] * Victim.STANDING_LEAST);
  }

  @Test
  @Tag("torture")
  void meddledFilesGiveRightValuesOrErrorsHoweverOften() {
    long begin = System.nanoTime();
    long[] sums = new long[5];
    do {
      Seed.fresh(random -> {
        long[] counts = run(40, random.nextLong());
        Arrays.setAll(sums, i -> sums[i] + counts[i]);
      });
    } while (System.nanoTime() - begin < TortureShare.MEDDLING.duration().toNanos());
    TortureShare.MEDDLING.report(
        String.format(
            "%,d lives of a store with %,d files meddled with, %,d right answers, %,d errors; %,d right"
                + " answers from files left alone",
            sums[0], sums[1], sums[2], sums[3], sums[4]));
    require(sums);
  }

  /// Main class of a process whose files are meddled with, by itself.
  static final class Victim {
    private static final int KEYS = 300;
    private static final int THREADS = 3;
    private static final int LIFE_MILLIS = 200;

    /// The oldest segments, which are left alone; nothing but standing keys is in them.
    private static final Set<String> LEFT_ALONE = Set.of("0000000001.seg", "0000000002.seg");

    /// Has the names of the standing keys, which are written once.
    private static final int STANDING = THREADS;

    private static final int STANDING_LEAST = 20;

    private final KvStore store;
    private final AtomicLong right;
    private final AtomicLong errors;
    private final AtomicLong standing;
    private volatile boolean meddled;
    private volatile boolean over;

    private Victim(KvStore store, AtomicLong right, AtomicLong errors, AtomicLong standing) {
      this.store = store;
      this.right = right;
      this.errors = errors;
      this.standing = standing;
    }

    public static void main(String[] arguments) throws Exception {
      Path directory = Path.of(arguments[0]);
      int lives = Integer.parseInt(arguments[1]);
      SplittableRandom random = new SplittableRandom(Long.parseLong(arguments[2]));
      AtomicLong right = new AtomicLong();
      AtomicLong errors = new AtomicLong();
      AtomicLong standing = new AtomicLong();
      Map<Meddling, Integer> done = new EnumMap<>(Meddling.class);
      for (int life = 0; life < lives; life++) {
        Path path = directory.resolve("life" + life);
        Files.createDirectories(path);
        Options options =
            Options.builder()
                .durability(random.nextBoolean() ? Durability.OS : Durability.ALWAYS)
                .segmentBytesMax(64 << 10)
                .compaction(CompactionPolicy.threshold(100_000))
                .build();
        try {
          new Victim(KvStore.open(path, options), right, errors, standing).live(path, random, done);
        } catch (StoreException e) {
          errors.incrementAndGet(); // of close
        }
        delete(path);
      }
      long meddled = done.values().stream().mapToLong(Integer::longValue).sum();
      System.out.println(
          COUNTS + lives + " " + meddled + " " + right + " " + errors + " " + standing);
    }

    private void live(Path path, SplittableRandom random, Map<Meddling, Integer> done)
        throws IOException, InterruptedException {
      int keys = writeStandingKeys(path);
      List<Thread> threads = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        int number = thread;
        SplittableRandom own = random.split();
        threads.add(Thread.ofPlatform().start(() -> guarded(() -> work(number, own))));
      }
      threads.add(Thread.ofPlatform().start(() -> guarded(this::compact)));
      threads.add(Thread.ofPlatform().start(() -> guarded(() -> readStandingKeys(keys))));
      long end = System.nanoTime() + LIFE_MILLIS * 1_000_000L;
      LockSupport.parkNanos(random.nextLong(LIFE_MILLIS * 500_000L));
      while (System.nanoTime() - end < 0) {
        meddle(path, random, done);
        meddled = true;
        LockSupport.parkNanos(random.nextLong(40_000_000));
      }
      over = true;
      for (Thread thread : threads) {
        thread.join();
      }
      store.close();
    }

    /// Writes until the segments that are left alone are full.
    ///
    /// @return how many keys are in these for sure
    private int writeStandingKeys(Path path) throws IOException {
      KvStore unforced = store.withDurability(Durability.OS); // so that no mark is garbage there
      int keys = 0;
      long files = 0;
      for (int one = 0; files < LEFT_ALONE.size() + 2; one++) { // the last one was made in advance
        unforced.put(Content.key(STANDING, one), value(one, STANDING, one));
        files = segments(path);
        if (files <= LEFT_ALONE.size()) {
          keys = one + 1;
        }
      }
      return keys;
    }

    private static long segments(Path path) throws IOException {
      try (Stream<Path> files = Files.list(path)) {
        return files.filter(file -> file.toString().endsWith(".seg")).count();
      }
    }

    /// All of them at least once after the last meddling.
    private void readStandingKeys(int keys) {
      boolean last;
      do {
        last = over;
        for (int one = 0; one < keys; one++) {
          boolean after = meddled;
          byte[] found = store.get(Content.key(STANDING, one)); // a file was left alone: no error
          requireSame(STANDING, one, found, value(one, STANDING, one));
          if (after) {
            standing.incrementAndGet();
          }
        }
      } while (!last);
    }

    private static void guarded(Runnable work) {
      try {
        work.run();
      } catch (Throwable e) {
        e.printStackTrace(System.out);
        System.out.flush();
        Runtime.getRuntime().halt(9);
      }
    }

    private void compact() {
      while (!over) {
        tries(store::compact);
        LockSupport.parkNanos(10_000_000);
      }
    }

    /// A thread has keys of its own, so it knows what they hold; after a write that failed, it does not.
    private void work(int thread, SplittableRandom random) {
      long[] last = new long[KEYS];
      boolean[] isUnsure = new boolean[KEYS];
      long number = 0;
      while (!over) {
        int one = random.nextInt(KEYS);
        byte[] key = Content.key(thread, one);
        if (random.nextInt(3) == 0) {
          byte[] value = value(++number, thread, one);
          boolean written = tries(() -> store.put(key, value));
          last[one] = written ? number : last[one];
          isUnsure[one] |= !written;
        } else {
          byte[] expected = last[one] == 0 ? null : value(last[one], thread, one);
          boolean unsure = isUnsure[one];
          tries(() -> {
            byte[] found = store.get(key);
            if (!unsure) {
              requireSame(thread, one, found, expected);
            }
          });
        }
      }
    }

    private static void requireSame(
        int thread, int key, byte @Nullable [] found, byte @Nullable [] expected) {
      if (!Arrays.equals(found, expected)) {
        throw new AssertionError(
            "key "
                + Content.name(thread, key)
                + ": found "
                + Content.describe(found)
                + ", expected "
                + Content.describe(expected));
      }
    }

    private static byte[] value(long number, int thread, int key) {
      return Content.value(number, thread, key, (int) (number * 37 % 3000));
    }

    private boolean tries(Runnable call) {
      try {
        call.run();
        right.incrementAndGet();
        return true;
      } catch (StoreException e) {
        errors.incrementAndGet();
        return false;
      }
    }

    private static void meddle(Path path, SplittableRandom random, Map<Meddling, Integer> done)
        throws IOException {
      List<Path> files;
      try (Stream<Path> all = Files.list(path)) {
        files =
            all.filter(file -> !file.endsWith("LOCK"))
                .filter(file -> !LEFT_ALONE.contains(file.getFileName().toString()))
                .sorted()
                .toList();
      }
      if (files.isEmpty()) {
        return;
      }
      Path file = files.get(random.nextInt(files.size()));
      Meddling meddling = Meddling.values()[random.nextInt(Meddling.values().length)];
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        long size = channel.size();
        switch (meddling) {
          case CUT -> channel.truncate(random.nextLong(size + 1));
          case EMPTY -> channel.truncate(0);
          case REMOVE -> Files.delete(file);
          case OVERWRITE -> {
            byte[] noise = new byte[1 + random.nextInt(5000)];
            random.nextBytes(noise);
            long at = random.nextLong(size + 1);
            int length = (int) Math.min(noise.length, size - at); // never longer than it was
            channel.write(ByteBuffer.wrap(noise, 0, length), at);
          }
        }
        done.merge(meddling, 1, Integer::sum);
      } catch (NoSuchFileException e) {
        // Compaction was faster.
      }
    }

    private static void delete(Path path) throws IOException {
      try (Stream<Path> files = Files.list(path)) {
        for (Path file : files.toList()) {
          Files.deleteIfExists(file);
        }
      }
      Files.delete(path);
    }
  }
}

package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreException;
import dev.kvstore.WriteBatch;
import dev.kvstore.engine.Environment;
import dev.kvstore.engine.StoreEngine;
import dev.kvstore.engine.Workers;
import dev.kvstore.io.Access;
import dev.kvstore.io.DiskDirectory;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Somebody cuts the index image of a store that has just been opened, whose pages are mapped at
/// first.
@Timeout(120)
class CutImageTest {
  private static final int KEYS = 200_000;

  @TempDir private Path temporary;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void noCallGivesAWrongValueAndTheJvmLives(boolean copied) {
    try (ChildJvm child =
        ChildJvm.start(
            temporary.resolve("out"), Victim.class, temporary.resolve("store"), copied)) {
      assertThat(child.awaitEnd()).contains("survived");
    }
  }

  @ParameterizedTest
  @EnumSource(Meeting.class)
  void theOneWhoMeetsItIsToldThatItIsTheImage(Meeting meeting) {
    try (ChildJvm child =
        ChildJvm.start(
            temporary.resolve("out"), Caller.class, temporary.resolve("store"), meeting)) {
      assertThat(child.awaitEnd()).contains("told");
    }
  }

  /// Calls that ask the index for more than one key.
  enum Meeting {
    EVERY_KEY {
      @Override
      void with(KvStore store) {
        try (Stream<byte[]> keys = store.keys()) {
          keys.forEach(key -> {});
        }
      }
    },
    EVERY_ENTRY {
      @Override
      void with(KvStore store) {
        try (Stream<Entry> entries = store.entries()) {
          entries.forEach(entry -> {});
        }
      }
    },
    BATCH {
      @Override
      void with(KvStore store) {
        for (int from = 0; from < KEYS; from += 1000) {
          WriteBatch batch = new WriteBatch();
          for (int number = from; number < from + 1000; number++) {
            batch.put(key(number), key(0));
          }
          store.write(batch);
        }
      }
    },
    COMPACT {
      @Override
      void with(KvStore store) {
        store.compact();
      }
    };

    abstract void with(KvStore store);
  }

  private static final Options OPTIONS =
      Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(1 << 20)
          .compaction(new CompactionPolicy.Manual())
          .build();

  private static byte[] key(int number) {
    return Integer.toString(number).getBytes(StandardCharsets.US_ASCII);
  }

  private static void cut(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(0);
    }
  }

  private static void require(boolean condition, String message) {
    if (!condition) {
      throw new IllegalStateException(message);
    }
  }

  /// Main class of a process that cuts the image and makes one call that meets it.
  static final class Caller {
    public static void main(String[] arguments) throws Exception {
      Path directory = Path.of(arguments[0]);
      try (KvStore store = KvStore.open(directory, OPTIONS)) {
        for (int number = 0; number < KEYS + KEYS / 10; number++) {
          store.put(key(number % KEYS), key(number + 1));
        }
      }
      KvStore store = openWithoutCopies(directory);
      cut(directory.resolve("INDEX"));
      String told = "nothing";
      try {
        Meeting.valueOf(arguments[1]).with(store);
      } catch (StoreException e) {
        told = e.toString();
      }
      require(told.contains("INDEX was cut"), told);
      try {
        store.close();
      } catch (StoreException e) {
        require(String.valueOf(e.getMessage()).contains("INDEX was cut"), e.toString());
      }
      try (KvStore again = KvStore.open(directory, OPTIONS);
          Stream<byte[]> keys = again.keys()) {
        require(keys.count() == KEYS, "keys are missing");
        again.compact();
      }
      System.out.println("told");
    }

    /// Opens the store with pages that stay mapped, since there is no thread to copy them.
    private static KvStore openWithoutCopies(Path directory) {
      Workers workers =
          Workers.threads((name, task) -> {
            if (isForCopies()) {
              throw new OutOfMemoryError("unable to create native thread");
            }
            return Thread.ofPlatform().daemon().name(name).unstarted(task);
          });
      return StoreEngine.open(
          DiskDirectory.open(directory, Access.WRITE, false),
          OPTIONS,
          new Environment(InstantSource.system(), new SplittableRandom(1), workers));
    }

    private static boolean isForCopies() {
      return StackWalker.getInstance()
          .walk(frames -> frames.anyMatch(frame -> frame.getClassName().endsWith(".LateCopies")));
    }
  }

  /// Main class of a process that cuts the image itself.
  static final class Victim {
    public static void main(String[] arguments) throws Exception {
      Path directory = Path.of(arguments[0]);
      boolean copied = Boolean.parseBoolean(arguments[1]);
      try (KvStore store = KvStore.open(directory, OPTIONS)) {
        for (int number = 0; number < KEYS; number++) {
          store.put(key(number), key(number + 1));
        }
      }
      KvStore store = KvStore.open(directory, OPTIONS);
      if (copied) {
        awaitCopies();
      }
      cut(directory.resolve("INDEX"));
      int failures = 0;
      for (int number = 0; number < KEYS; number++) {
        failures += gets(store, number) ? 0 : 1;
      }
      if (copied) {
        require(failures == 0, failures + " failures, although the index had long been copied");
        store.put(key(0), key(7));
      }
      try {
        store.close();
      } catch (StoreException e) {
        require(!copied, e.toString());
      }
      try (KvStore again = KvStore.open(directory, OPTIONS)) {
        for (int number = 1; number < KEYS; number++) {
          require(gets(again, number), "number " + number);
        }
      }
      System.out.println("survived");
    }

    private static void awaitCopies() throws InterruptedException {
      for (Thread thread : Thread.getAllStackTraces().keySet()) {
        if (thread.getName().equals("store-load")) {
          thread.join();
        }
      }
    }

    /// Whether the value was there; an exception of the store is as good, another value is not.
    private static boolean gets(KvStore store, int number) {
      byte[] value;
      try {
        value = store.get(key(number));
      } catch (StoreException e) {
        return false;
      }
      require(
          value != null
              && new String(value, StandardCharsets.US_ASCII).equals(Integer.toString(number + 1)),
          "number " + number);
      return true;
    }
  }
}

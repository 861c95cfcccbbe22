package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
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

  /// Main class of a process that cuts the image itself.
  static final class Victim {
    private static final Options OPTIONS = Options.builder().durability(Durability.OS).build();

    private static byte[] key(int number) {
      return Integer.toString(number).getBytes(StandardCharsets.US_ASCII);
    }

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

    private static void cut(Path file) throws IOException {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(0);
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

    private static void require(boolean condition, String message) {
      if (!condition) {
        throw new IllegalStateException(message);
      }
    }
  }
}

package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreException;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Somebody cuts, empties or removes most files of a live store: each call gives the right value or an
/// error, of a file that was left alone the right value, and the JVM lives.
@Timeout(120)
class MeddledFilesTest {
  private static final int KEYS = 600;

  /// The oldest so many segments.
  private static final int LEFT_ALONE = 2;

  @TempDir private Path temporary;

  /// What is done to every other segment file.
  enum Meddling {
    CUT {
      @Override
      void on(Path file) throws IOException {
        cut(file, Files.size(file) / 2);
      }
    },
    CUT_INSIDE_THE_HEADER {
      @Override
      void on(Path file) throws IOException {
        cut(file, 10);
      }
    },
    EMPTY {
      @Override
      void on(Path file) throws IOException {
        cut(file, 0);
      }
    },
    REMOVE {
      @Override
      void on(Path file) throws IOException {
        Files.delete(file);
      }
    };

    abstract void on(Path file) throws IOException;

    static void cut(Path file, long size) throws IOException {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(size);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void noCallGivesAWrongValueAndTheJvmLives(Meddling meddling) {
    assertThat(run(meddling))
        .containsPattern("[1-9][0-9]* keys in files that are left alone")
        .contains("survived")
        .doesNotContain("not ours");
  }

  private String run(Meddling meddling) {
    try (ChildJvm child =
        ChildJvm.start(
            temporary.resolve("out"), Victim.class, temporary.resolve("store"), meddling)) {
      return child.awaitEnd();
    }
  }

  /// Main class of a process whose files are meddled with, by itself.
  static final class Victim {
    private final KvStore store;
    private int safe; // keys below this are in segments that are left alone

    private Victim(KvStore store) {
      this.store = store;
    }

    private static byte[] key(int number) {
      return ("key" + number).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] value(int number, int version) {
      byte[] value = new byte[200 + number * 37 % 5000]; // some reach over several pages
      Arrays.fill(value, (byte) (number + version));
      return value;
    }

    public static void main(String[] arguments) throws Exception {
      Path directory = Path.of(arguments[0]);
      Options options =
          Options.builder()
              .durability(Durability.OS)
              .segmentBytesMax(256 << 10)
              .compaction(CompactionPolicy.manual())
              .build();
      KvStore store = KvStore.open(directory, options);
      Victim victim = new Victim(store);
      for (int number = 0; number < KEYS; number++) {
        store.put(key(number), value(number, 0));
        if (segments(directory).size() <= LEFT_ALONE) {
          victim.safe = number + 1;
        }
      }
      System.out.println(victim.safe + " keys in files that are left alone");
      for (int turn = 0; turn < 40; turn++) {
        victim.reads(); // warm, so that compiled code meets it too
      }
      store.sync(); // so that the next write begins with a mark
      List<Path> segments = segments(directory);
      for (Path segment : segments.subList(LEFT_ALONE, segments.size())) {
        Meddling.valueOf(arguments[1]).on(segment);
      }
      for (int turn = 0; turn < 5; turn++) {
        victim.reads();
      }
      victim.tries("keys", () -> store.keys().count());
      victim.tries("entries", () -> store.entries().count());
      victim.tries("stats", store::stats);
      victim.tries("put", () -> store.put(key(KEYS), value(KEYS, 0)));
      victim.tries("overwrite", () -> store.put(key(1), value(1, 0)));
      victim.tries("delete", () -> store.delete(key(KEYS + 5)));
      victim.tries("big put", () -> store.put(key(KEYS), new byte[400 << 10]));
      victim.tries("sync", store::sync);
      victim.tries("compact", store::compact);
      victim.reads();
      victim.tries("close", store::close);
      System.out.println("survived");
    }

    /// The oldest first.
    private static List<Path> segments(Path directory) throws IOException {
      try (Stream<Path> files = Files.list(directory)) {
        return files.filter(file -> file.toString().endsWith(".seg")).sorted().toList();
      }
    }

    private void reads() {
      for (int number = 0; number < KEYS; number++) {
        byte[] key = key(number);
        byte[] value = value(number, 0);
        reads(number, "get", () -> Arrays.equals(store.get(key), value));
        reads(
            number,
            "get by function",
            () -> {
              var found = store.get(key, memory -> memory.toArray(ValueLayout.JAVA_BYTE));
              return found.isPresent() && Arrays.equals(found.get(), value);
            });
        reads(number, "size of value", () -> store.valueSize(key).orElse(-1) == value.length);
        reads(number, "contains", () -> store.contains(key));
      }
    }

    /// @param call whether its answer is right
    private void reads(int number, String name, BooleanSupplier call) {
      tries(
          name,
          () -> {
            try {
              if (!call.getAsBoolean()) {
                end("WRONG ANSWER of " + name + " of key" + number);
              }
            } catch (StoreException e) {
              if (number < safe) {
                end(name + " of key" + number + ", whose file was left alone: " + e);
              }
              throw e;
            }
          });
    }

    private static void end(String problem) {
      System.out.println(problem);
      Runtime.getRuntime().halt(9);
    }

    private void tries(String name, Runnable call) {
      try {
        call.run();
      } catch (StoreException e) {
        // An answer.
      } catch (Throwable e) {
        System.out.println("not ours: " + name + ": " + e);
        StackTraceElement[] stack = e.getStackTrace();
        for (StackTraceElement element : stack) {
          if (element.getClassName().startsWith("dev.kvstore.")) {
            System.out.println("    " + element);
          }
        }
      }
    }
  }
}

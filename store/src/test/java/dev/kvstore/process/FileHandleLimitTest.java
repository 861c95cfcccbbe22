package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreException;
import java.io.Closeable;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A process that may not open any more files.
@Timeout(120)
class FileHandleLimitTest {
  private static final int VALUE_BYTES = 300;

  @TempDir private Path temporary;

  @Test
  void withoutFileHandlesCallsFailCleanlyAndNothingIsLost() {
    assertThat(run()).contains("all there");
  }

  private String run() {
    Assumptions.assumeTrue(Files.isExecutable(Path.of("/bin/sh")));
    try (ChildJvm child =
        ChildJvm.start(
            temporary.resolve("out"),
            List.of("/bin/sh", "-c", "ulimit -n 60 && exec \"$@\"", "sh"),
            List.of("-Xmx128m"),
            Hoarder.class,
            temporary.resolve("store"))) {
      return child.awaitEnd();
    }
  }

  /// Main class of a process that takes all file handles there are.
  static final class Hoarder {
    private static byte[] key(int number) {
      return ("key" + number).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] value(int number) {
      return Arrays.copyOf(("value " + number).getBytes(StandardCharsets.US_ASCII), VALUE_BYTES);
    }

    private static Options options() {
      return Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(16 << 10)
          .compaction(CompactionPolicy.manual())
          .build();
    }

    private final KvStore store;
    private final List<Closeable> hoard = new ArrayList<>();
    private int acknowledged;

    private Hoarder(KvStore store) {
      this.store = store;
    }

    public static void main(String[] arguments) throws Exception {
      Path directory = Path.of(arguments[0]);
      loadAllClasses();
      KvStore store = KvStore.open(directory, options());
      Hoarder hoarder = new Hoarder(store);
      hoarder.put(200);
      for (int left = 0; left <= 6; left++) {
        System.out.println(left + " file handles left");
        hoarder.hoard(left);
        hoarder.goThroughBadTimes(left);
        hoarder.giveBack();
      }
      try {
        store.close();
      } catch (StoreException e) {
        System.out.println("close: " + e.getMessage());
      }
      try (KvStore again = KvStore.open(directory, options())) {
        hoarder.requireAll(again);
        again.put(key(hoarder.acknowledged), new byte[1]);
      }
      System.out.println("all there");
    }

    private void put(int count) {
      for (int end = acknowledged + count; acknowledged < end; acknowledged++) {
        store.put(key(acknowledged), value(acknowledged));
      }
    }

    private void goThroughBadTimes(int left) {
      boolean failed = false;
      try {
        put(300);
      } catch (StoreException e) {
        failed = true;
        System.out.println("  put: " + e.getMessage());
        require(store.get(key(acknowledged)) == null, "a write that failed shows");
      }
      require(failed || left > 0, "no write ever met the limit");
      try {
        store.put(key(0), value(0)); // some garbage
        store.compact();
      } catch (StoreException e) {
        System.out.println("  compact: " + e.getMessage());
      }
      try (KvStore other = KvStore.open(Path.of("/dev/shm/never-made-" + left), readOnly())) {
        require(other.size() < 0, "opened what is not there");
      } catch (StoreException e) {
        System.out.println("  open: " + e.getMessage());
      }
      requireAll(store);
    }

    private static Options readOnly() {
      return options().toBuilder().readOnly(true).build();
    }

    private void requireAll(KvStore there) {
      for (int number = 0; number < acknowledged; number++) {
        byte[] found = there.get(key(number));
        require(found != null, "key" + number + " is missing");
        require(Arrays.equals(found, value(number)), "key" + number + " has another value");
      }
      require(there.keys().count() == acknowledged, "wrong count of keys");
      require(there.size() == acknowledged, "wrong size");
    }

    private void giveBack() throws IOException {
      for (Closeable one : hoard) {
        one.close();
      }
      hoard.clear();
    }

    /// Classes in directories need file handles, too; those in an open jar do not.
    private static void loadAllClasses() throws Exception {
      Path classes =
          Path.of(KvStore.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      if (!Files.isDirectory(classes)) {
        return;
      }
      try (Stream<Path> files = Files.walk(classes)) {
        for (Path file : files.filter(name -> name.toString().endsWith(".class")).toList()) {
          String name = classes.relativize(file).toString().replace('/', '.');
          if (!name.startsWith("module-info")) {
            Class.forName(name.substring(0, name.length() - ".class".length()));
          }
        }
      }
    }

    private void hoard(int left) throws IOException {
      try {
        while (true) {
          hoard.add(new FileInputStream("/dev/null"));
        }
      } catch (IOException e) {
        for (int i = 0; i < left; i++) {
          hoard.removeLast().close();
        }
      }
    }

    private static void require(boolean holds, String what) {
      if (!holds) {
        System.out.println(what);
        Runtime.getRuntime().halt(9);
      }
    }
  }
}

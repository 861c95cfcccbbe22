package dev.kvstore.torture;

import dev.kvstore.KvStore;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/// A writer in whose process another thread takes all file handles but a few, now and then.
final class HoardingWriter {
  private static final int LEFT_MAX = 8;
  private static final int PAUSE_MILLIS_MAX = 60;

  private static final AtomicBoolean HOARDS = new AtomicBoolean();

  private HoardingWriter() {}

  public static void main(String[] arguments) throws Exception {
    for (Class<?> one : List.of(KvStore.class, Writer.class)) {
      loadAllBeside(one);
    }
    Writer.run(
        arguments,
        (directory, options) -> {
          KvStore store = KvStore.open(directory, options);
          if (HOARDS.compareAndSet(false, true)) { // by now the JVM has what it needs itself
            Thread.ofPlatform().daemon().start(HoardingWriter::hoard);
          }
          return store;
        });
  }

  private static void hoard() {
    SplittableRandom random = new SplittableRandom(ProcessHandle.current().pid());
    List<FileInputStream> hoard = new ArrayList<>();
    while (true) {
      try {
        LockSupport.parkNanos(random.nextInt(PAUSE_MILLIS_MAX) * 1_000_000L);
        int left = random.nextInt(LEFT_MAX);
        try {
          while (true) {
            hoard.add(new FileInputStream("/dev/null"));
          }
        } catch (IOException e) {
          for (int i = 0; i < left && !hoard.isEmpty(); i++) {
            hoard.removeLast().close();
          }
        }
        LockSupport.parkNanos(random.nextInt(PAUSE_MILLIS_MAX) * 1_000_000L);
        for (FileInputStream one : hoard) {
          one.close();
        }
        hoard.clear();
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /// Classes in directories need file handles, too; those in an open jar do not.
  private static void loadAllBeside(Class<?> one) throws Exception {
    Path classes = Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
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
}

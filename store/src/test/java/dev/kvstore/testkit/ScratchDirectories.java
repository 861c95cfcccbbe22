package dev.kvstore.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.atomic.AtomicInteger;

/// Directories in memory, where there is such a file system; gone when the JVM ends.
final class ScratchDirectories {
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");
  private static final Path ROOT = makeRoot();
  private static final AtomicInteger COUNT = new AtomicInteger();

  private ScratchDirectories() {}

  private static Path makeRoot() {
    try {
      boolean memory = Files.isDirectory(SHARED_MEMORY) && Files.isWritable(SHARED_MEMORY);
      Path root =
          memory
              ? Files.createTempDirectory(SHARED_MEMORY, "kvstore-test-")
              : Files.createTempDirectory("kvstore-test-");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(root)));
      return root;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path make() {
    try {
      return Files.createDirectory(ROOT.resolve("disk" + COUNT.incrementAndGet()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void delete(Path directory) {
    try {
      Files.walkFileTree(
          directory,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.delete(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path left, IOException problem)
                throws IOException {
              Files.delete(left);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (NoSuchFileException e) {
      // Nothing to delete.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

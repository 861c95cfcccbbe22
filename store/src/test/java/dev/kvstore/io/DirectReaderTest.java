package dev.kvstore.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.StoreIoException;
import dev.kvstore.testkit.Seed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whether the file system knows `O_DIRECT` or not, the bytes are those of the file.
class DirectReaderTest {
  @TempDir private Path onDisk;

  private static byte[] content(int size) {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    return content;
  }

  @Test
  void anyStretchOfAnyFileIsReadAsItIs() throws IOException {
    Path memory = Path.of("/dev/shm");
    Path inMemory =
        Files.isWritable(memory) ? Files.createTempDirectory(memory, "kvstore-test-") : onDisk;
    try {
      for (Path directory : List.of(onDisk, inMemory)) {
        for (int size : new int[] {1, 100, 4095, 4096, 4097, 300_000, 1 << 20}) {
          Files.write(directory.resolve("file"), content(size));
          readEverywhere(directory, content(size));
          Files.delete(directory.resolve("file"));
        }
      }
    } finally {
      Files.deleteIfExists(inMemory);
    }
  }

  private static void readEverywhere(Path directory, byte[] content) {
    Seed.fresh(random -> {
      try (DiskDirectory opened = DiskDirectory.open(directory, Access.READ, false);
          UncachedReader file = opened.openUncached("file")) {
        assertThat(file.size()).isEqualTo(content.length);
        for (int round = 0; round < 60; round++) {
          int from = random.nextInt(content.length);
          int length =
              round == 0 ? content.length - from : random.nextInt(content.length - from + 1);
          byte[] target = new byte[length + 20];
          file.read(from, target, 10, length);
          assertThat(Arrays.copyOfRange(target, 10, 10 + length))
              .isEqualTo(Arrays.copyOfRange(content, from, from + length));
          assertThat(Arrays.copyOf(target, 10)).containsOnly(0);
        }
        int tooMuch = content.length + 1;
        assertThatExceptionOfType(StoreIoException.class)
            .isThrownBy(() -> file.read(0, new byte[tooMuch], 0, tooMuch))
            .withMessageContaining("the file ends at");
      }
    });
  }

  @Test
  void whatIsWrittenMeanwhileIsSeen() throws IOException {
    byte[] content = content(10_000);
    Files.write(onDisk.resolve("file"), content);
    try (DiskDirectory opened = DiskDirectory.open(onDisk, Access.READ, false);
        UncachedReader file = opened.openUncached("file")) {
      byte[] target = new byte[content.length];
      file.read(0, target, 0, target.length);
      content[5000] ^= 1;
      Files.write(onDisk.resolve("file"), content);
      file.read(0, target, 0, target.length);
      assertThat(target).isEqualTo(content);
    }
  }

  @Test
  void linksAndMissingFilesAreRefused() throws IOException {
    Files.write(onDisk.resolve("file"), content(10));
    Files.createSymbolicLink(onDisk.resolve("link"), onDisk.resolve("file"));
    try (DiskDirectory opened = DiskDirectory.open(onDisk, Access.READ, false)) {
      for (String name : List.of("link", "missing")) {
        assertThatExceptionOfType(StoreIoException.class)
            .isThrownBy(() -> opened.openUncached(name))
            .withMessageContaining(name);
      }
    }
  }
}

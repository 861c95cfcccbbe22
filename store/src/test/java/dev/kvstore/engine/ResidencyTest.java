package dev.kvstore.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Needs the right to empty the page cache, and a file system that has one.
class ResidencyTest {
  private static final int PAGE_BYTES = 4096;
  private static final int FILE_BYTES = 32 << 20;

  @TempDir private Path directory;

  @Test
  void oncePagesWereMissingOnlyThoseAskedForAreRead() throws IOException {
    Path file = directory.resolve("log");
    Files.write(file, new byte[FILE_BYTES]);
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        Arena arena = Arena.ofShared()) {
      channel.force(true);
      dropPageCache();
      MemorySegment log = channel.map(MapMode.READ_ONLY, 0, FILE_BYTES, arena);
      assumeThat(residentPages(log)).isLessThan(FILE_BYTES / PAGE_BYTES / 4);
      Residency residency = new Residency();
      Residency.Probe probe = residency.probe();
      SplittableRandom random = new SplittableRandom(5);
      for (int i = 0; !residency.isCold(); i++) {
        assertThat(i).as("lookups until one asks").isLessThan(1000);
        probe.beforeRead(log, 0, 100);
      }
      int before = residentPages(log);
      for (int i = 0; i < 100; i++) {
        long from = random.nextLong(FILE_BYTES - 200);
        residency.probe().beforeRead(log, from, from + 152); // another thread's
        assertThat(log.asSlice(from, 152).isLoaded()).isTrue();
      }
      assertThat(residentPages(log) - before).isLessThan(400);
    }
  }

  @Test
  void whereEverythingIsThereNothingIsThoughtMissing() throws IOException {
    Path file = directory.resolve("log");
    Files.write(file, new byte[1 << 20]);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        Arena arena = Arena.ofShared()) {
      MemorySegment log = channel.map(MapMode.READ_ONLY, 0, 1 << 20, arena);
      log.load();
      Residency residency = new Residency();
      Residency.Probe probe = residency.probe();
      for (int i = 0; i < 10_000; i++) {
        probe.beforeRead(log, i * 64L, i * 64L + 152);
      }
      assertThat(residency.isCold()).isFalse();
    }
  }

  private static void dropPageCache() {
    try {
      Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "1");
    } catch (IOException e) {
      assumeThat(false).as("cannot empty the page cache: " + e).isTrue();
    }
  }

  private static int residentPages(MemorySegment log) {
    int pages = 0;
    for (long at = 0; at < log.byteSize(); at += PAGE_BYTES) {
      if (log.asSlice(at, PAGE_BYTES).isLoaded()) {
        pages++;
      }
    }
    return pages;
  }
}

package dev.kvstore.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/// What a file gives: read from front to back, from the disk and from the page cache, and 128 bytes
/// at random places of its mapping, copied to the heap.
record RawReadWork(long bytes) implements Work {
  private static final int RANDOM_BYTES = 128;

  @Override
  public void run(Stage stage) throws Exception {
    Files.createDirectories(stage.directory());
    Path file = stage.directory().resolve("read");
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.READ)) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
      for (long at = 0; at < bytes; at += buffer.capacity()) {
        channel.write(buffer.clear().putLong(0, at), at);
      }
      channel.force(true);
      if (PageCache.drop(List.of(file))) {
        stage.report("coldBandwidth", PageCache.readRate(List.of(file), 1));
      }
      PageCache.readRate(List.of(file), 1);
      stage.report("warmBandwidth", PageCache.readRate(List.of(file), 1));
      stage.report(random(channel, stage));
    }
  }

  private Driver.Outcome random(FileChannel channel, Stage stage) throws Exception {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes, arena);
      for (long at = 0; at < bytes; at += 4096) {
        if (mapped.get(ValueLayout.JAVA_BYTE, at + 4095) != 0) {
          throw new AssertionError("not what was written");
        }
      }
      byte[] copy = new byte[RANDOM_BYTES];
      Data places = new Data(bytes / RANDOM_BYTES, Long.BYTES, Long.BYTES);
      Driver.during(
          stage.warmUpSeconds() / 2, 1L << 39, 64, turn -> read(mapped, places, turn, copy));
      return Driver.during(stage.seconds(), 0, 64, turn -> read(mapped, places, turn, copy));
    }
  }

  private static void read(MemorySegment mapped, Data places, long turn, byte[] copy) {
    long at = places.pick(turn) * copy.length;
    MemorySegment.copy(mapped, ValueLayout.JAVA_BYTE, at, copy, 0, copy.length);
  }
}

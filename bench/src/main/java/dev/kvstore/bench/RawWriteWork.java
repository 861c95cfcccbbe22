package dev.kvstore.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// What a disk takes in a row: writes of 1 MiB and one `fdatasync` at the end, into a new file and over
/// an old one. Then a plain copy of the file. The better of two tries counts.
record RawWriteWork(long bytes) implements Work {
  private static final int TRIES = 2;

  @Override
  public void run(Stage stage) throws Exception {
    Files.createDirectories(stage.directory());
    Path file = stage.directory().resolve("written");
    Path copy = stage.directory().resolve("copied");
    double created = 0;
    double overwritten = 0;
    double copied = 0;
    for (int i = 0; i < TRIES; i++) {
      Files.deleteIfExists(file);
      created = Math.max(created, writeRate(file));
      overwritten = Math.max(overwritten, writeRate(file));
      long start = System.nanoTime();
      Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
      copied = Math.max(copied, bytes * 1e9 / (System.nanoTime() - start));
    }
    stage.report("bandwidth", created);
    stage.report("overwriteBandwidth", overwritten);
    stage.report("copyBandwidth", copied);
  }

  private double writeRate(Path file) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
    for (int i = 0; i < buffer.capacity(); i += Long.BYTES) {
      buffer.putLong(i, Data.mix(i));
    }
    long start = System.nanoTime();
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long at = 0; at < bytes; at += buffer.capacity()) {
        channel.write(buffer.clear(), at);
      }
      channel.force(false);
    }
    return bytes * 1e9 / (System.nanoTime() - start);
  }
}

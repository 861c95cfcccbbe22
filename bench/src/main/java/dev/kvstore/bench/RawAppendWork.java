package dev.kvstore.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// What one writer can have on the disk per second: a write of one record's bytes behind the last,
/// then `fdatasync`. Into blocks that were filled with zeros and forced before, and into a file that
/// grows.
///
/// How the zeros were written decides how large the pages of the cache are, and with that how much a
/// force writes; the better of two ways counts.
record RawAppendWork() implements Work {
  private static final int RECORD_HEADER_BYTES = 28;
  private static final int FILL_BYTES = 64 << 20;
  private static final int[] ZEROS = {16 << 10, 1 << 20};

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    Files.createDirectories(stage.directory());
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(RECORD_HEADER_BYTES + data.keyBytes() + data.valueBytes());
    Driver.Outcome best = null;
    for (int zeros : ZEROS) {
      Path file = stage.directory().resolve("zeros-" + zeros);
      Driver.Outcome outcome = appends(file, zeros, bytes, stage);
      if (best == null || outcome.rate() > best.rate()) {
        best = outcome;
      }
    }
    Driver.Outcome growing = appends(stage.directory().resolve("growing"), 0, bytes, stage);
    stage.report("growingRate", growing.rate());
    if (best != null) {
      stage.report(best);
      stage.report("zerosTimes", best.rate() / growing.rate());
    }
  }

  private static Driver.Outcome appends(Path file, int zeros, ByteBuffer record, Stage stage)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      if (zeros > 0) {
        ByteBuffer zero = ByteBuffer.allocateDirect(zeros);
        for (long at = 0; at < FILL_BYTES; at += zeros) {
          channel.write(zero.clear(), at);
        }
        channel.force(true);
      }
      double warmUp = stage.warmUpSeconds() / 4;
      long first =
          Driver.during(warmUp, 0, 1, number -> append(channel, record, number)).operations();
      return Driver.during(stage.seconds(), first, 1, number -> append(channel, record, number));
    }
  }

  private static void append(FileChannel channel, ByteBuffer record, long number) {
    try {
      channel.write(record.clear(), number * record.capacity());
      channel.force(false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package dev.kvstore.segment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.Encoding;
import dev.kvstore.io.Preallocation;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.SimulatedDirectory;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// What becomes of bytes that are written through a mapping.
class SegmentWriterTest {
  private static final StoreId STORE = new StoreId(1, 2);

  /// Others force while a write is under way that fails in the end: its record is on the disk, and must
  /// not be there any more when the caller hears of it.
  @Test
  void whatIsTakenBackIsGoneFromTheDiskAlthoughSomebodyHasForcedIt() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    SegmentWriter writer =
        SegmentWriter.create(disk, STORE, 1, 1 << 16, 0, Preallocation.FORCED_OFTEN);
    put(writer, 1);
    long end = writer.segment().end();
    put(writer, 2);
    writer.force();
    writer.undo(end);
    DiskImage left = disk.image();
    for (PowerLoss mode : PowerLoss.values()) {
      byte[] file =
          left.afterPowerLoss(mode, new SplittableRandom(1)).files().get(writer.segment().name());
      assertThat(Arrays.copyOfRange(file, (int) end, file.length)).as("" + mode).containsOnly(0);
    }
    put(writer, 3);
    writer.force();
    assertThat(disk.image().files().get(writer.segment().name())[(int) end]).isNotZero();
    writer.abandon();
    writer.segment().retire();
    disk.discard();
  }

  private static void put(SegmentWriter writer, long sequence) {
    byte[] bytes = new byte[100];
    Arrays.fill(bytes, (byte) sequence);
    RecordChecksum checksum = new RecordChecksum();
    checksum.startBody(bytes, bytes);
    writer.append(RecordFormat.PUT, Encoding.BYTES, bytes, bytes, 0, sequence, 0, checksum);
  }
}

package dev.kvstore.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.process.SmallDisk;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.TortureShare;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Writers that fill a disk of 16 MiB, are refused, delete, compact, and are killed at it. Needs root;
/// elsewhere skipped.
class KillsOnFullDiskTest {
  /// More live data than the disk holds, if nothing were deleted.
  private static final int VALUE_BYTES_MAX = 80_000;

  private static final WriterCommand UNDAUNTED = new WriterCommand(Writer.class, List.of(), true);

  @TempDir private Path temporary;

  private TortureOptions options(SmallDisk disk, Path work, Duration time, int rounds, long seed) {
    TortureOptions usual = Runs.options(work, time, rounds, seed);
    return new TortureOptions(
        disk.store(),
        usual.work(),
        time,
        rounds,
        usual.durabilities(),
        usual.threadsMax(),
        usual.keys(),
        VALUE_BYTES_MAX,
        seed);
  }

  @ParameterizedTest
  @EnumSource
  @Timeout(120)
  void aFullDiskEndsARunAndIsNoFaultOfTheStore(SmallDisk.Kind kind) {
    try (SmallDisk disk = SmallDisk.mount(kind, temporary)) {
      disk.fillUp(300);
      Seed.fresh(random -> {
        TortureReport report =
            Runs.run(
                options(
                    disk, temporary.resolve("work"), Duration.ofSeconds(60), 50, random.nextLong()),
                WriterCommand.USUAL,
                soFar -> {});
        assertThat(report.verdict())
            .as(report.toString())
            .isEqualTo(TortureReport.Verdict.INCOMPLETE);
        assertThat(report.incident()).contains("no space");
        assertThat(report.problems()).isEmpty();
      });
    }
  }

  @Test
  @Tag("torture")
  void writersThatFillTheDiskAndAreKilledLoseNothing() {
    Runs runs = new Runs();
    long begin = System.nanoTime();
    Duration each = TortureShare.FULL_DISK.duration().dividedBy(2);
    for (SmallDisk.Kind kind : SmallDisk.Kind.values()) {
      Path path = temporary.resolve(kind.toString());
      try (SmallDisk disk = SmallDisk.mount(kind, path)) {
        Seed.fresh(random ->
            runs.pass(
                options(disk, path.resolve("work"), each, Integer.MAX_VALUE, random.nextLong()),
                UNDAUNTED));
      }
    }
    TortureShare.FULL_DISK.report(runs.toString());
    if (System.nanoTime() - begin > Duration.ofSeconds(20).toNanos()) {
      assertThat(runs.refused()).as("writes that met the full disk").isPositive();
    }
  }
}

package dev.kvstore.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.Seed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A store that breaks a promise does not pass.
@Timeout(120)
class FoundLiesTest {
  private static final String KEY = "t[0-9]+-k[0-9]+";

  @TempDir private Path temporary;

  private TortureReport run(Class<?> writer) {
    TortureReport[] report = new TortureReport[1];
    Seed.fresh(random ->
        report[0] =
            Runs.run(
                Runs.options(temporary, Duration.ofSeconds(60), 40, random.nextLong()),
                new WriterCommand(writer, List.of(), false),
                soFar -> {}));
    assertThat(report[0].verdict())
        .as(report[0].toString())
        .isEqualTo(TortureReport.Verdict.FAILED);
    return report[0];
  }

  /// What is said of a key that the writer was at once more, or of a batch.
  private static final String UNDER_WAY =
      "write [0-9]+ of thread [0-9] was under way and is there neither as a whole nor not at all: .*"
          + KEY
          + " .*";

  @Test
  void aPutThatWasAcknowledgedAndNeverMadeIsNamed() {
    assertThat(run(LyingWriters.LosesPuts.class).problems().getFirst())
        .matches(
            "key "
                + KEY
                + " was set to [0-9]+ bytes by write [0-9]+, which was"
                + " acknowledged; found: (nothing|write [0-9]+ of "
                + KEY
                + " .*)|"
                + UNDER_WAY);
  }

  @Test
  void aDeletedKeyThatIsStillThereIsNamed() {
    assertThat(run(LyingWriters.KeepsDeleted.class).problems().getFirst())
        .matches(
            "key "
                + KEY
                + " was removed by write [0-9]+, which was acknowledged; found: "
                + "write [0-9]+ of "
                + KEY
                + " .*|"
                + UNDER_WAY);
  }

  @Test
  void aBatchThatIsThereInPartIsNamed() {
    assertThat(run(LyingWriters.TearsBatches.class).problems().getFirst()).matches(UNDER_WAY);
  }

  @Test
  void aWriterWhoseStoreBreaksIsQuoted() {
    TortureReport report = run(LyingWriters.Breaks.class);
    assertThat(report.problems().getFirst()).contains("ended by itself", "exit code 7");
    assertThat(report.problems().getLast()).contains("broken on purpose");
  }

  @Test
  void aRecordThatSomebodyTakesOutOfTheLogIsMissed() {
    AtomicInteger cuts = new AtomicInteger();
    Seed.fresh(random -> {
      TortureReport report =
          Runs.run(
              Runs.options(temporary, Duration.ofSeconds(60), 40, random.nextLong()),
              WriterCommand.USUAL,
              soFar -> cuts.addAndGet(wipeLastRecord(temporary.resolve("store"))));
      assertThat(cuts).hasPositiveValue();
      assertThat(report.verdict()).as(report.toString()).isEqualTo(TortureReport.Verdict.FAILED);
      assertThat(report.problems().getFirst()).containsPattern(KEY + "|[0-9]{10}\\.seg");
    });
  }

  /// Sets the end of the newest log that is not empty to zeros.
  private static int wipeLastRecord(Path store) {
    if (Files.notExists(store)) {
      return 0;
    }
    try (Stream<Path> files = Files.list(store)) {
      List<Path> segments =
          files.filter(file -> file.toString().endsWith(".seg")).sorted().toList().reversed();
      for (Path segment : segments) {
        byte[] bytes = Files.readAllBytes(segment);
        int end = bytes.length;
        while (end > 0 && bytes[end - 1] == 0) {
          end--;
        }
        if (end > 1000) {
          Arrays.fill(bytes, end - 200, end, (byte) 0);
          Files.write(segment, bytes);
          return 1;
        }
      }
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.cli.CommandRun.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoAndBenchTest {
  @TempDir private Path temporary;

  @Test
  void theDataSetIsWholeAndNamed() throws IOException {
    assertThat(UnicodeData.read())
        .hasSize(34_924)
        .containsEntry("U+0041", "LATIN CAPITAL LETTER A;Lu;0;L;;;;;N;;;;0061;");
    try (var about = UnicodeData.class.getResourceAsStream("UnicodeData.md")) {
      assertThat(about).isNotNull();
      assertThat(new String(about.readAllBytes(), StandardCharsets.UTF_8))
          .contains("15.0.0", "unicode-data", UnicodeData.LICENCE);
    }
  }

  @Test
  void theDemonstrationLosesNothing() {
    Path directory = temporary.resolve("store");
    Outcome outcome = new CommandRun(directory).run("demo");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).as(outcome.toString()).isZero();
    assertThat(outcome.out())
        .contains("34,924 records", UnicodeData.LICENCE, "exit code 137", "none missing")
        .endsWith("Nothing that was acknowledged is missing.\n");
    assertThat(new CommandRun(directory).run("verify").code()).isZero();
    assertThat(new CommandRun(directory).run("demo").code()).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void theQuickMeasurementLeavesNothingBehind() throws IOException {
    Path directory = temporary.resolve("store");
    Outcome outcome =
        new CommandRun(directory)
            .run("bench", "--keys", "2000", "--value-bytes", "0", "--seconds", "1");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out()).contains("put, always, 64 virtual threads", "p99", "open");
    try (Stream<Path> left = Files.list(temporary)) {
      assertThat(left).isEmpty();
    }
  }
}

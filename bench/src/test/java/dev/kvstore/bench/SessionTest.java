package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Starts JVMs.
class SessionTest {
  private static final Data SCALE = new Data(2000, 16, 100);

  private static Plan plan(Path directory, String rows, String limit) {
    return Plan.parse(
        List.of(
            "--peers",
            "kvstore",
            "--rows",
            rows,
            "--keys",
            "2000",
            "--rounds",
            "1",
            "--seconds",
            "0.02",
            "--limit",
            limit,
            "--json",
            directory.resolve("lines.jsonl").toString(),
            "--stores",
            directory.resolve("stores").toString()),
        "now");
  }

  @Test
  void aRunLeavesResultsAndIsTakenUpWhereItEnded(@TempDir Path directory) throws Exception {
    Path lines = directory.resolve("lines.jsonl");
    assertThat(new Session(plan(directory, "get", "60")).run("now", "")).isTrue();
    Results results = Results.read(lines);
    assertThat(results.series(SCALE, "get", "kvstore", "rate").median().orElseThrow()).isPositive();
    assertThat(directory.resolve("stores")).isEmptyDirectory();

    // The load is done again, since the next row needs the store; the row that is there is not.
    assertThat(new Session(plan(directory, "get,reopen", "60")).run("now", "")).isTrue();
    assertThat(Files.readAllLines(lines))
        .filteredOn(line -> line.contains("\"row\":\"get\""))
        .hasSize(1);
    assertThat(Results.read(lines).series(SCALE, "reopen", "kvstore", "millis").isEmpty())
        .isFalse();
  }

  @Test
  void whatTakesTooLongIsEndedAndTheRowsBehindItAreLeftOut(@TempDir Path directory)
      throws Exception {
    assertThat(new Session(plan(directory, "get", "0")).run("now", "")).isFalse();
    Results results = Results.read(directory.resolve("lines.jsonl"));
    assertThat(results.words(SCALE, "load", "kvstore", Fork.REASON))
        .containsExactly("not done in 0 s");
    assertThat(results.words(SCALE, "get", "kvstore", Fork.REASON))
        .containsExactly("load did not end well");
  }
}

package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReportTest {
  private static final Data SCALE = new Data(1_000_000, 16, 100);

  @Test
  void aLineHasNumbersRatiosGoalsAndAnswers() {
    String report =
        new Report(
                new Lines(SCALE)
                    .add("get", "kvstore", "rate", 2e6, 3e6, 4e6)
                    .add("get", "rocksdb", "rate", 3e5, 3e5, 3e5)
                    .add("get", "lmdb", "rate", 1e6, 1e6, 1e6)
                    .results())
            .markdown();
    assertThat(report).contains("### 1,000,000 keys of 16 B, values of 100 B");
    assertThat(report)
        .contains(
            "| get, uniform | 3.00 M/s | 1.00 M/s LMDB | 3.0 (2.0 to 4.0) | 10.0 |",
            "2.0 x best (3.00); 5.0 x RocksDB (10.00)",
            "| yes; yes; - |");
    assertThat(report).contains("| get, uniform | 3.00 M/s | 300.0 k/s | 1.00 M/s |");
  }

  @Test
  void whatIsMissingHasADashAndAReason() {
    String report =
        new Report(
                new Lines(SCALE)
                    .add("get", "kvstore", "rate", 2e6)
                    .add("miss", "lmdb", "rate", 2e6)
                    .word("get", "lmdb", Fork.REASON, "not done in 300 s")
                    .results())
            .markdown();
    assertThat(report).contains("| get, uniform | 2.00 M/s | - | - |");
    assertThat(report).contains("- LMDB, get: not done in 300 s");
  }

  @Test
  void aStoreThatDoesNotSurviveAKillIsMarked() {
    String report =
        new Report(
                new Lines(SCALE)
                    .add("get", "kvstore", "rate", 2e6)
                    .add("get", "mapdb", "rate", 1e6)
                    .results())
            .markdown();
    assertThat(PeerKind.MAPDB.promises(Set.of(Promise.SURVIVES_KILL))).isFalse();
    assertThat(report).contains("| 1.00 M/s MapDB* |", "| work | KvStore | MapDB* |");
  }

  @Test
  void theMachineIsDescribedAndSettingsArePrintedOnce() {
    String report =
        new Report(
                new Lines(SCALE)
                    .run(Map.of("run", "20260101-000000", "cpu", "2 x slow", "commit", "abc"))
                    .add("get", "lmdb", "rate", 1, 2)
                    .word("get", "lmdb", "settings", "as advised")
                    .word("miss", "lmdb", "settings", "as advised")
                    .results())
            .markdown();
    assertThat(report).contains("- cpu: 2 x slow\n", "- commit: abc\n");
    assertThat(report.split("as advised", -1)).hasSize(2);
  }

  @Test
  void ofTwoResultsForTheSameThingTheLaterCounts() {
    Results results =
        new Lines(SCALE)
            .add("get", "lmdb", "rate", 1)
            .again()
            .add("get", "lmdb", "rate", 2)
            .results();
    assertThat(results.series(SCALE, "get", "lmdb", "rate").median()).hasValue(2);
  }
}

package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class VerdictTest {
  private static final Data SCALE = new Data(1_000_000, 16, 100);
  private static final Metric RATE = Metric.rate();

  private static Verdict verdict(Results results, String row, Metric metric, Goal goal) {
    return Verdict.of(results, SCALE, Rows.named(row), metric, goal);
  }

  @Test
  void theBestPeerIsTheOneWithTheBestMedian() {
    Results results =
        new Lines(SCALE)
            .add("get", "kvstore", "rate", 30, 30, 30)
            .add("get", "rocksdb", "rate", 1, 99, 2)
            .add("get", "lmdb", "rate", 10, 10, 15)
            .results();
    assertThat(results.best(SCALE, Rows.named("get"), RATE)).contains(PeerKind.LMDB);
    Verdict verdict = verdict(results, "get", RATE, new Goal.Best(3));
    assertThat(verdict.measured()).hasValue(3);
    assertThat(verdict.answer()).isEqualTo("yes");
    assertThat(verdict(results, "get", RATE, new Goal.Best(3.1)).answer()).isEqualTo("no");
  }

  @Test
  void theBestOfTimesIsTheShortest() {
    Metric millis = Metric.of("millis", "", Unit.MILLIS);
    Results results =
        new Lines(SCALE)
            .add("reopen", "kvstore", "millis", 40)
            .add("reopen", "rocksdb", "millis", 100)
            .add("reopen", "lmdb", "millis", 20)
            .results();
    assertThat(results.best(SCALE, Rows.named("reopen"), millis)).contains(PeerKind.LMDB);
    assertThat(verdict(results, "reopen", millis, new Goal.Best(0.5)).answer()).isEqualTo("yes");
    assertThat(verdict(results, "reopen", millis, new Goal.AtMost(40)).answer()).isEqualTo("yes");
    assertThat(verdict(results, "reopen", millis, new Goal.AtMost(39)).answer()).isEqualTo("no");
  }

  @Test
  void anotherRowMayBeTheMeasure() {
    Results results =
        new Lines(SCALE)
            .add("durable-1", "kvstore", "rate", 8, 9)
            .add("raw-append", "machine", "rate", 10, 10)
            .add("load", "kvstore", "rate", 100, 200)
            .add("load-2", "kvstore", "rate", 90, 240)
            .add("durable-64f", "kvstore", "rate", 50, 50)
            .add("durable-64v", "rocksdb", "rate", 5, 10)
            .results();
    Goal raw = new Goal.Row("raw-append", "rate", 0.9, "raw append");
    assertThat(verdict(results, "durable-1", RATE, raw).measured().orElseThrow())
        .isCloseTo(0.85, within(1e-9));
    assertThat(verdict(results, "durable-1", RATE, raw).answer()).isEqualTo("no");
    Goal one = new Goal.Row("load", "rate", 1, "1 thread");
    assertThat(verdict(results, "load-2", RATE, one).measured().orElseThrow())
        .isCloseTo(1.05, within(1e-9));
    Goal futures = new Goal.BestOf("durable-64v", 5, "virtual threads");
    assertThat(verdict(results, "durable-64f", RATE, futures).measured()).hasValue(7.5);
    assertThat(verdict(results, "durable-64f", RATE, futures).answer()).isEqualTo("yes");
  }

  @Test
  void whatWasNotMeasuredIsNeitherReachedNorMissed() {
    Results results = new Lines(SCALE).add("get", "kvstore", "rate", 30).results();
    assertThat(verdict(results, "get", RATE, new Goal.Best(2)).answer()).isEqualTo("-");
    assertThat(verdict(results, "get", RATE, new Goal.Other("rocksdb", 2)).answer()).isEqualTo("-");
    assertThat(verdict(results, "miss", RATE, new Goal.AtLeast(2)).answer()).isEqualTo("-");
  }

  @Test
  void aStoreThatIsNotDurableIsNeverTheBest() {
    for (PeerKind peer : PeerKind.values()) {
      Results results =
          new Lines(SCALE)
              .add("get", "kvstore", "rate", 30)
              .add("get", peer.word(), "rate", 10)
              .results();
      assertThat(results.best(SCALE, Rows.named("get"), RATE).isPresent())
          .as(peer.title())
          .isEqualTo(peer.peerClass() == PeerClass.DURABLE);
    }
  }
}

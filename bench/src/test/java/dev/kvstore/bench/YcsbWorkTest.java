package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.kvstore.bench.YcsbWork.Client;
import dev.kvstore.bench.YcsbWork.Workload;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class YcsbWorkTest {
  private static final Data DATA = new Data(20_000, 16, 24);
  private static final Zipf ZIPF = Zipf.of(DATA.keys());
  private static final long REQUESTS = 50_000;

  /// Shares of the core workloads, as Cooper et al. define them.
  @ParameterizedTest
  @CsvSource({"A, 0.5, 0.5", "B, 0.95, 0.05", "C, 1, 0", "D, 0.95, 0.05", "F, 1, 0.5"})
  void readsAndWritesHaveTheirShares(Workload workload, double gets, double puts) {
    MapPeer peer = MapPeer.loaded(DATA);
    requests(client(peer, workload, 1), REQUESTS);
    assertThat(peer.gets.sum() / (double) REQUESTS).isCloseTo(gets, within(0.01));
    assertThat(peer.puts.sum() / (double) REQUESTS).isCloseTo(puts, within(0.01));
  }

  private static Client client(MapPeer peer, Workload workload, int threads) {
    Client client = new Client(peer, DATA, workload, threads, ZIPF);
    client.learnAll();
    peer.gets.reset();
    return client;
  }

  private static void requests(Client client, long count) {
    LongConsumer requests = client.requests();
    for (long turn = 0; turn < count; turn++) {
      requests.accept(turn);
    }
  }

  @Test
  void onlyDInserts() {
    for (Workload workload : Workload.values()) {
      MapPeer peer = MapPeer.loaded(DATA);
      requests(client(peer, workload, 1), REQUESTS);
      long inserted = peer.map.size() - DATA.keys();
      assertThat(inserted).isEqualTo(workload == Workload.D ? peer.puts.sum() : 0);
    }
  }

  @Test
  void dReadsWhatWasInsertedLast() {
    MapPeer peer = MapPeer.loaded(DATA);
    requests(client(peer, Workload.D, 1), REQUESTS);
    long inserted = peer.map.size() - DATA.keys();
    long young = 0;
    for (long turn = 0; turn < REQUESTS; turn++) {
      young += ZIPF.rank(turn) < inserted ? 1 : 0;
    }
    // Of a tenth of the keys three quarters of the requests.
    assertThat(inserted).isBetween(DATA.keys() / 10, DATA.keys() / 5);
    assertThat(young / (double) REQUESTS).isGreaterThan(0.7);
  }

  @Test
  void aRunGoesOnWhereAnotherEnded() {
    MapPeer peer = MapPeer.loaded(DATA);
    requests(client(peer, Workload.A, 1), REQUESTS);
    requests(client(peer, Workload.D, 1), REQUESTS);
    long there = peer.map.size();
    requests(client(peer, Workload.D, 2), REQUESTS);
    assertThat(peer.map.size()).isGreaterThan((int) there);
  }

  @Test
  void aStaleValueIsFound() {
    MapPeer peer = MapPeer.loaded(DATA);
    Client client = client(peer, Workload.C, 1);
    for (long number = 0; number < DATA.keys(); number++) {
      peer.put(DATA.key(number), DATA.value(number, 1));
    }
    assertThatThrownBy(() -> requests(client, 1)).isInstanceOf(AssertionError.class);
  }
}

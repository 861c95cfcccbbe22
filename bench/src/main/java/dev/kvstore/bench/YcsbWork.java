package dev.kvstore.bench;

import java.util.function.LongConsumer;

/// The workloads of YCSB (Cooper et al., "Benchmarking Cloud Serving Systems with YCSB", 2010), drawn
/// by generators of our own: a share of reads, the rest changes, of keys that follow Zipf's law over
/// all records, scattered; in D over the age of records. Relaxed.
///
/// Workload E, scans, needs an order of keys. A record is one value here, written as a whole, where
/// YCSB has ten fields.
record YcsbWork(Workload workload, int threads) implements Work {
  enum Workload {
    A(0.5, Change.UPDATE),
    B(0.95, Change.UPDATE),
    C(1, Change.UPDATE),
    D(0.95, Change.INSERT),
    F(0.5, Change.READ_AND_UPDATE);

    private final double reads;
    private final Change change;

    Workload(double reads, Change change) {
      this.reads = reads;
      this.change = change;
    }
  }

  private enum Change {
    UPDATE,
    INSERT,
    READ_AND_UPDATE
  }

  private static final long THREAD_STRIDE = 1L << 40;
  private static final long WARM_UP_TURN = 1L << 39;

  @Override
  public void run(Stage stage) throws Exception {
    try (Peer peer = stage.open(false)) {
      Zipf zipf = Zipf.of(stage.data().keys());
      Client client = new Client(peer, stage.data(), workload, threads, zipf);
      client.learnAll();
      long inserted = client.inserts.end();
      requests(client, WARM_UP_TURN, stage.warmUpSeconds());
      stage.report(requests(client, 0, stage.seconds()));
      stage.report("inserted", client.inserts.end() - inserted);
    }
  }

  private Driver.Outcome requests(Client client, long first, double seconds) {
    return Driver.during(
        seconds,
        threads,
        false,
        16,
        thread -> new Driver.Part(first + thread * THREAD_STRIDE, client.requests()));
  }

  /// What all threads of a run share.
  static final class Client {
    private final Peer peer;
    private final Data data;
    private final double reads;
    private final Change change;
    private final int threads;
    private final Zipf zipf;
    private final Versions versions;
    private final Inserts inserts;
    private final long insertsEnd;

    Client(Peer peer, Data data, Workload workload, int threads, Zipf zipf) {
      this.peer = peer;
      this.data = data;
      this.reads = workload.reads;
      this.change = workload.change;
      this.threads = threads;
      this.zipf = zipf;
      versions = new Versions(data);
      inserts = new Inserts(firstAbsent());
      // The store was opened for twice as many keys as were loaded.
      insertsEnd = 2 * data.keys();
    }

    /// Earlier runs inserted keys one behind the other.
    private long firstAbsent() {
      long number = data.keys();
      while (peer.get(data.key(number)) != null) {
        number++;
      }
      return number;
    }

    void learnAll() {
      Driver.times(
          data.keys(),
          Runtime.getRuntime().availableProcessors(),
          Integer.MAX_VALUE,
          thread -> number -> versions.learn(number, peer.get(data.key(number))));
    }

    LongConsumer requests() {
      byte[] key = new byte[data.keyBytes()];
      byte[] value = new byte[data.valueBytes()];
      return turn -> {
        // Not the bits that choose the key.
        double drawn = (Data.mix(~turn) >>> 11) * 0x1p-53;
        if (change == Change.INSERT) {
          if (drawn < reads || inserts.end() >= insertsEnd) {
            readLatest(turn, key);
          } else {
            insert(key, value);
          }
          return;
        }
        long number = data.pick(zipf.rank(turn));
        data.fillKey(number, key);
        if (drawn < reads || change == Change.READ_AND_UPDATE) {
          read(number, key);
        }
        if (drawn >= reads) {
          data.fillValue(number, versions.next(number), value);
          peer.put(key, value);
        }
      };
    }

    private void read(long number, byte[] key) {
      if (threads == 1) {
        versions.check(number, peer.get(key));
      } else {
        // Two that put the same key may end in the other order than they began.
        versions.check(number, peer.get(key), 0);
      }
    }

    private void readLatest(long turn, byte[] key) {
      long number = inserts.end() - 1 - zipf.rank(turn);
      data.fillKey(number, key);
      byte[] found = peer.get(key);
      if (number < data.keys()) {
        versions.check(number, found);
      } else {
        data.check(number, 0, found);
      }
    }

    private void insert(byte[] key, byte[] value) {
      long number = inserts.begin();
      data.fillKey(number, key);
      data.fillValue(number, 0, value);
      peer.put(key, value);
      inserts.end(number);
    }
  }
}

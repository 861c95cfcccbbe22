package dev.kvstore.bench;

import java.util.Set;
import java.util.function.LongConsumer;

/// Gets or overwrites of random keys in a store that is larger than the memory that its JVM may use,
/// page cache included. Nothing of it is in memory at first.
record LargeWork(Choice choice) implements Work {
  enum Choice {
    GET_UNIFORM,
    GET_ZIPFIAN,
    OVERWRITE
  }

  private static final int SECONDS_TIMES = 5;
  private static final long WARM_UP_TURN = 1L << 39;
  private static final long CHECKED = 2_000;

  @Override
  public Set<Promise> needs() {
    return Set.of(Promise.REOPEN);
  }

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    byte[] key = new byte[data.keyBytes()];
    byte[] value = new byte[data.valueBytes()];
    try (Peer peer = stage.open(false)) {
      Zipf zipf = Zipf.of(data.keys());
      LongConsumer step =
          switch (choice) {
            case GET_UNIFORM -> turn -> get(peer, data, data.pick(turn), key);
            case GET_ZIPFIAN -> turn -> get(peer, data, data.pick(zipf.rank(turn)), key);
            case OVERWRITE ->
                turn -> {
                  long number = data.pick(turn);
                  data.fillKey(number, key);
                  data.fillValue(number, 1, value);
                  peer.put(key, value);
                };
          };
      double seconds = SECONDS_TIMES * stage.seconds();
      Driver.during(seconds, WARM_UP_TURN, 1, step);
      Driver.Outcome outcome = Driver.during(seconds, 0, 1, step);
      stage.report(outcome);
      if (choice == Choice.OVERWRITE) {
        for (long turn = 0; turn < Math.min(CHECKED, outcome.operations()); turn++) {
          data.check(data.pick(turn), 1, peer.get(data.key(data.pick(turn))));
        }
      }
    }
  }

  private static void get(Peer peer, Data data, long number, byte[] key) {
    data.fillKey(number, key);
    data.check(number, 0, peer.get(key));
  }
}

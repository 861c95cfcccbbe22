package dev.kvstore.bench;

import java.util.function.LongConsumer;
import java.util.function.LongUnaryOperator;

/// Gets of random keys from a store that was loaded, closed and opened again.
record GetWork(Choice choice, int threads) implements Work {
  /// Which keys are asked for.
  enum Choice {
    UNIFORM,
    ZIPFIAN,
    /// Keys that are not there.
    ABSENT
  }

  private static final long THREAD_STRIDE = 1L << 40;
  private static final long WARM_UP_TURN = 1L << 39;

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    try (Peer peer = stage.open(false)) {
      stage.readAll(peer);
      LongUnaryOperator chosen = chosen(data);
      gets(peer, data, chosen, WARM_UP_TURN, stage.warmUpSeconds());
      Driver.Outcome gets = gets(peer, data, chosen, 0, stage.seconds());
      stage.report(gets);
      stage.report("bandwidth", gets.rate() * (data.keyBytes() + data.valueBytes()));
    }
  }

  private Driver.Outcome gets(
      Peer peer, Data data, LongUnaryOperator chosen, long first, double seconds) {
    return Driver.during(
        seconds,
        threads,
        false,
        16,
        thread -> new Driver.Part(first + thread * THREAD_STRIDE, step(peer, data, chosen)));
  }

  private LongUnaryOperator chosen(Data data) {
    return switch (choice) {
      case UNIFORM -> data::pick;
      case ABSENT -> turn -> data.keys() + data.pick(turn);
      case ZIPFIAN -> {
        Zipf zipf = Zipf.of(data.keys());
        yield turn -> data.pick(zipf.rank(turn));
      }
    };
  }

  private LongConsumer step(Peer peer, Data data, LongUnaryOperator chosen) {
    byte[] key = new byte[data.keyBytes()];
    if (choice == Choice.ABSENT) {
      return turn -> {
        data.fillKey(chosen.applyAsLong(turn), key);
        if (peer.get(key) != null) {
          throw new AssertionError("a key that was never put");
        }
      };
    }
    return turn -> {
      long number = chosen.applyAsLong(turn);
      data.fillKey(number, key);
      data.check(number, 0, peer.get(key));
    };
  }
}

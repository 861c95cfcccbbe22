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

  private static final int ZIPF_DRAWN = 1 << 22;
  private static final long THREAD_STRIDE = 1L << 40;

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    try (Peer peer = stage.open(false)) {
      for (long number = 0; number < data.keys(); number++) {
        data.check(number, 0, peer.get(data.key(number)));
      }
      LongUnaryOperator chosen = chosen(data);
      for (double seconds : new double[] {Math.min(1, stage.seconds()), stage.seconds()}) {
        stage.report(
            Driver.inThreads(
                seconds,
                threads,
                false,
                16,
                thread ->
                    new Driver.Part(thread * THREAD_STRIDE, step(peer, data, chosen), done -> {})));
      }
    }
  }

  private LongUnaryOperator chosen(Data data) {
    return switch (choice) {
      case UNIFORM -> data::pick;
      case ABSENT -> turn -> data.keys() + data.pick(turn);
      case ZIPFIAN -> {
        int[] drawn = Zipf.draw(ZIPF_DRAWN, data);
        yield turn -> drawn[(int) turn & ZIPF_DRAWN - 1];
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

package dev.kvstore.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongConsumer;

/// Fills a store to a hundred times its first size, and on the way, at 1, 2, 5, 10, 20, 50 and 100
/// hundredths of all keys, measures what a put, a get and a miss cost there. Relaxed, one thread.
///
/// Each of these is a point of a curve, written at once: what a slow store did not reach in time is
/// missing, and no more.
record GrowthWork() implements Work {
  private static final int[] HUNDREDTHS = {1, 2, 5, 10, 20, 50, 100};
  private static final long PUTS_MEASURED_MAX = 500_000;
  private static final long WARM_UP_TURN = 1L << 39;

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    byte[] key = new byte[data.keyBytes()];
    byte[] value = new byte[data.valueBytes()];
    try (Peer peer = stage.open(false)) {
      LongConsumer put =
          number -> {
            data.fillKey(number, key);
            data.fillValue(number, 0, value);
            peer.put(key, value);
          };
      long there = 0;
      Map<String, Double> first = new LinkedHashMap<>();
      for (int hundredths : HUNDREDTHS) {
        long keys = data.keys() * hundredths / 100;
        long measured = Math.min(PUTS_MEASURED_MAX, (keys - there) / 2);
        long unmeasured = there;
        Driver.times(keys - measured - there, Integer.MAX_VALUE, i -> put.accept(unmeasured + i));
        long begin = keys - measured;
        Map<String, Double> nanos = new LinkedHashMap<>();
        nanos.put("putNanos", nanos(Driver.times(measured, 16, i -> put.accept(begin + i))));
        Data present = new Data(keys, data.keyBytes(), data.valueBytes());
        nanos.put("getNanos", nanos(during(stage, get(peer, present))));
        nanos.put("missNanos", nanos(during(stage, miss(peer, data))));
        there = keys;
        report(stage, keys, nanos, first);
      }
    }
  }

  private static Driver.Outcome during(Stage stage, LongConsumer step) {
    Driver.during(stage.warmUpSeconds() / 2, WARM_UP_TURN, 16, step);
    return Driver.during(stage.seconds(), 0, 16, step);
  }

  private static double nanos(Driver.Outcome outcome) {
    return 1e9 / outcome.rate();
  }

  private static LongConsumer get(Peer peer, Data data) {
    byte[] key = new byte[data.keyBytes()];
    return turn -> {
      long number = data.pick(turn);
      data.fillKey(number, key);
      data.check(number, 0, peer.get(key));
    };
  }

  private static LongConsumer miss(Peer peer, Data data) {
    byte[] key = new byte[data.keyBytes()];
    return turn -> {
      data.fillKey(data.keys() + data.pick(turn), key);
      if (peer.get(key) != null) {
        throw new AssertionError("a key that was never put");
      }
    };
  }

  private static void report(
      Stage stage, long keys, Map<String, Double> nanos, Map<String, Double> first)
      throws Exception {
    Map<String, Object> point = new LinkedHashMap<>();
    point.put(Results.POINT, keys);
    point.putAll(nanos);
    stage.point(point);
    nanos.forEach((name, value) -> {
      first.putIfAbsent(name, value);
      stage.report(name, value);
      stage.report(name + "Times", value / first.get(name));
    });
  }
}

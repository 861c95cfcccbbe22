package dev.kvstore.bench;

import java.util.concurrent.FutureTask;
import java.util.function.LongConsumer;

/// Overwrites random keys, relaxed, until compaction has to keep up, and measures from then on: first
/// the overwrites alone, then with gets of another thread beside them.
///
/// `getP999Times` is what overwrites and compaction do to the 99.9th percentile of those gets,
/// compared with the same gets before anything was overwritten.
record OverwriteWork() implements Work {
  private static final double SECONDS_MAX = 10;
  private static final long WARM_UP_TURN = 1L << 39;

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    double seconds = stage.seconds();
    Versions versions = new Versions(data);
    try (Peer peer = stage.open(false)) {
      stage.readAll(peer);
      LongConsumer get = get(peer, data, versions);
      Driver.during(stage.warmUpSeconds(), WARM_UP_TURN, 1, get);
      Driver.Outcome idle = Driver.during(seconds, 0, 1, get);

      LongConsumer overwrite = overwrite(peer, data, versions);
      long turn = onceOver(data, seconds, 0, overwrite).operations();
      Driver.Outcome alone;
      Driver.Outcome gets;
      try (Amplification amplification = Amplification.from(peer, stage)) {
        alone = onceOver(data, 2 * seconds, turn, overwrite);
        FutureTask<Driver.Outcome> reader =
            new FutureTask<>(() -> Driver.during(2 * seconds, 0, 1, get));
        Thread.ofPlatform().start(reader);
        Driver.Outcome beside =
            Driver.during(2 * seconds, turn + alone.operations(), 16, overwrite);
        gets = reader.get();
        amplification.report(alone.operations() + beside.operations());
        stage.report("besideGetsRate", beside.rate());
      }
      stage.report(alone);
      stage.report("bandwidth", alone.rate() * (data.keyBytes() + data.valueBytes()));
      report(stage, idle, gets);
      checkAll(peer, data, versions);
    }
  }

  /// As many overwrites as there are keys, and for that long at least; unless that takes too long.
  private static Driver.Outcome onceOver(
      Data data, double seconds, long first, LongConsumer overwrite) {
    Driver.Outcome all = Driver.during(seconds, first, 16, overwrite);
    while (all.operations() < data.keys() && all.nanos() < SECONDS_MAX * 1e9) {
      all = all.and(Driver.during(seconds / 4, first + all.operations(), 16, overwrite));
    }
    return all;
  }

  private static LongConsumer overwrite(Peer peer, Data data, Versions versions) {
    byte[] key = new byte[data.keyBytes()];
    byte[] value = new byte[data.valueBytes()];
    return turn -> {
      long number = data.pick(turn);
      data.fillKey(number, key);
      data.fillValue(number, versions.next(number), value);
      peer.put(key, value);
    };
  }

  private static LongConsumer get(Peer peer, Data data, Versions versions) {
    byte[] key = new byte[data.keyBytes()];
    return turn -> {
      long number = data.pick(turn);
      // The put of the last one may be under way.
      int before = versions.last(number);
      data.fillKey(number, key);
      versions.check(number, peer.get(key), before - 1);
    };
  }

  private static void report(Stage stage, Driver.Outcome idle, Driver.Outcome gets) {
    double idleNanos = idle.latencies().getValueAtPercentile(99.9);
    double nanos = gets.latencies().getValueAtPercentile(99.9);
    stage.report("getRate", gets.rate());
    stage.report("getIdleRate", idle.rate());
    stage.report("getP999Nanos", nanos);
    stage.report("getIdleP999Nanos", idleNanos);
    stage.report("getMaxNanos", gets.latencies().getMaxValue());
    stage.report("getIdleMaxNanos", idle.latencies().getMaxValue());
    stage.report("getP999Times", nanos / idleNanos);
  }

  private static void checkAll(Peer peer, Data data, Versions versions) {
    byte[] key = new byte[data.keyBytes()];
    for (long number = 0; number < data.keys(); number++) {
      data.fillKey(number, key);
      versions.check(number, peer.get(key));
    }
  }
}

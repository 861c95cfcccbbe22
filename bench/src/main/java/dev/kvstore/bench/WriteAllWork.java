package dev.kvstore.bench;

import java.util.function.LongConsumer;

/// Puts all keys, relaxed, and makes them durable once at the end: what large values cost against a
/// plain file of the same size.
record WriteAllWork() implements Work {
  private static final long WARM_UP_BYTES = 256L << 20;

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    int entryBytes = data.keyBytes() + data.valueBytes();
    try (KvStorePeer peer = (KvStorePeer) stage.openScratch(false)) {
      Driver.times(Math.min(data.keys(), WARM_UP_BYTES / entryBytes), 16, put(peer, data));
    }
    try (KvStorePeer peer = (KvStorePeer) stage.open(false)) {
      long start = System.nanoTime();
      Driver.Outcome puts = Driver.times(data.keys(), 16, put(peer, data));
      peer.store().sync();
      long nanos = System.nanoTime() - start;
      stage.report(puts);
      stage.report("putBandwidth", puts.rate() * entryBytes);
      stage.report("bandwidth", data.bytes() * 1e9 / nanos);
      stage.readAll(peer);
    }
  }

  private static LongConsumer put(Peer peer, Data data) {
    byte[] key = new byte[data.keyBytes()];
    byte[] value = data.value(0, 0);
    return number -> {
      data.fillKey(number, key);
      data.fillValue(number, 0, value);
      peer.put(key, value);
    };
  }
}

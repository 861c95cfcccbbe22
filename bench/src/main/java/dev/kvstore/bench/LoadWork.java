package dev.kvstore.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/// Fills an empty store with all keys, relaxed.
///
/// @param batch keys in one atomic batch; 1 for single puts
record LoadWork(int threads, int batch) implements Work {
  private static final long WARM_UP_KEYS = 1_000_000;
  private static final long WARM_UP_BYTES = 256L << 20;

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    long warmUp =
        Math.min(
            Math.min(WARM_UP_KEYS, data.keys()),
            WARM_UP_BYTES / (data.keyBytes() + data.valueBytes()));
    try (Peer peer = stage.openScratch(false)) {
      Driver.times(warmUp / batch, threads, 16, thread -> step(peer, data));
    }
    PageCache.writeBack();
    try (Peer peer = stage.open(false)) {
      Driver.Outcome load =
          Driver.times(
              data.keys() / batch, threads, batch == 1 ? 16 : 1, thread -> step(peer, data));
      stage.report(load, batch);
      stage.report("bandwidth", load.rate() * batch * (data.keyBytes() + data.valueBytes()));
      stage.report("diskBytes", Machine.diskBytes(stage.directory()));
      if (data.keys() % batch == 0) {
        stage.readAll(peer);
      }
      peer.settle();
    }
  }

  private LongConsumer step(Peer peer, Data data) {
    if (batch > 1) {
      return number -> putBatch(peer, data, number * batch);
    }
    byte[] key = new byte[data.keyBytes()];
    byte[] value = new byte[data.valueBytes()];
    return number -> {
      data.fillKey(number, key);
      data.fillValue(number, 0, value);
      peer.put(key, value);
    };
  }

  private void putBatch(Peer peer, Data data, long first) {
    List<byte[]> keys = new ArrayList<>(batch);
    List<byte[]> values = new ArrayList<>(batch);
    for (long number = first; number < first + batch; number++) {
      keys.add(data.key(number));
      values.add(data.value(number, 0));
    }
    peer.putBatch(keys, values);
  }
}

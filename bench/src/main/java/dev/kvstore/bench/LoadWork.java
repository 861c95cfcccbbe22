package dev.kvstore.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/// Fills an empty store with all keys, relaxed, in one thread.
///
/// @param batch keys in one atomic batch; 1 for single puts
record LoadWork(int batch) implements Work {
  private static final long WARM_UP_KEYS = 300_000;

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    try (Peer peer = stage.openScratch(false)) {
      Driver.times(Math.min(WARM_UP_KEYS, data.keys()) / batch, 16, step(peer, data));
    }
    try (Peer peer = stage.open(false)) {
      stage.report(Driver.times(data.keys() / batch, batch == 1 ? 16 : 1, step(peer, data)), batch);
      stage.report("diskBytes", Machine.diskBytes(stage.directory()));
      for (long number = 0; number < data.keys() / batch * batch; number++) {
        data.check(number, 0, peer.get(data.key(number)));
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

package dev.kvstore.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// Gets of many random keys in one call.
record GetAllWork(int size) implements Work {
  private static final long WARM_UP_TURN = 1L << 39;

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    try (Peer peer = stage.open(false)) {
      stage.readAll(peer);
      List<byte[]> keys = new ArrayList<>();
      for (int i = 0; i < size; i++) {
        keys.add(new byte[data.keyBytes()]);
      }
      LongConsumer step = turn -> getAll(peer, data, keys, turn * size);
      Driver.during(stage.warmUpSeconds(), WARM_UP_TURN, 1, step);
      stage.report(Driver.during(stage.seconds(), 0, 1, step), size);
    }
  }

  private void getAll(Peer peer, Data data, List<byte[]> keys, long turn) {
    for (int i = 0; i < size; i++) {
      data.fillKey(data.pick(turn + i), keys.get(i));
    }
    List<byte @Nullable []> values = peer.getAll(keys);
    for (int i = 0; i < size; i++) {
      data.check(data.pick(turn + i), 0, values.get(i));
    }
  }
}

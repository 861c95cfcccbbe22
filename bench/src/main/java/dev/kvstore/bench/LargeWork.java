package dev.kvstore.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Gets or overwrites of random keys in a store that is larger than the memory that its JVM may use,
/// page cache included. Nothing of it is in memory at first.
///
/// @param size keys in one call or batch
record LargeWork(Choice choice, int threads, int size) implements Work {
  enum Choice {
    GET_UNIFORM,
    GET_ZIPFIAN,
    OVERWRITE
  }

  private static final int SECONDS_TIMES = 5;
  private static final long WARM_UP_TURN = 1L << 39;
  private static final long THREAD_STRIDE = 1L << 40;
  private static final long CHECKED = 2_000;

  @Override
  public Set<Promise> needs() {
    return Set.of(Promise.REOPEN);
  }

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    try (Peer peer = stage.open(false)) {
      Zipf zipf = Zipf.of(data.keys());
      double seconds = SECONDS_TIMES * stage.seconds();
      AtomicLong steps = new AtomicLong();
      during(seconds, WARM_UP_TURN, steps, () -> step(peer, data, zipf));
      stage.report(during(seconds, 0, steps, () -> step(peer, data, zipf)), size);
      if (choice == Choice.OVERWRITE) {
        for (long turn = 0; turn < Math.min(CHECKED, steps.get() * size); turn++) {
          data.check(data.pick(turn), 1, peer.get(data.key(data.pick(turn))));
        }
      }
    }
  }

  /// @param steps takes how many the first thread made
  private Driver.Outcome during(
      double seconds, long first, AtomicLong steps, Supplier<LongConsumer> step) {
    return Driver.during(
        seconds,
        threads,
        false,
        1,
        thread ->
            new Driver.Part(
                first + thread * THREAD_STRIDE,
                step.get(),
                thread == 0 ? steps::set : others -> {}));
  }

  private LongConsumer step(Peer peer, Data data, Zipf zipf) {
    List<byte[]> keys = new ArrayList<>();
    List<byte[]> values = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      keys.add(new byte[data.keyBytes()]);
      values.add(new byte[data.valueBytes()]);
    }
    long[] numbers = new long[size];
    return turn -> {
      for (int i = 0; i < size; i++) {
        long drawn = turn * size + i;
        numbers[i] = data.pick(choice == Choice.GET_ZIPFIAN ? zipf.rank(drawn) : drawn);
        data.fillKey(numbers[i], keys.get(i));
      }
      if (choice != Choice.OVERWRITE) {
        List<byte @Nullable []> found =
            size == 1 ? Collections.singletonList(peer.get(keys.getFirst())) : peer.getAll(keys);
        for (int i = 0; i < size; i++) {
          data.check(numbers[i], 0, found.get(i));
        }
        return;
      }
      for (int i = 0; i < size; i++) {
        data.fillValue(numbers[i], 1, values.get(i));
      }
      if (size == 1) {
        peer.put(keys.getFirst(), values.getFirst());
      } else {
        peer.putBatch(keys, values);
      }
    };
  }
}

package dev.kvstore.bench;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.function.LongConsumer;

/// What a get, a miss and an overwrite take of the heap and, where the processor can count, of cycles
/// and instructions: those of the calling thread in user mode, with the making of the key and the
/// checking of the value, which are the same for every store and allocate nothing.
record CostWork() implements Work {
  private static final long WARM_UP_TURN = 1L << 39;
  private static final long COUNTED = 200_000;

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    byte[] key = new byte[data.keyBytes()];
    byte[] value = new byte[data.valueBytes()];
    try (Peer peer = stage.open(false)) {
      stage.readAll(peer);
      measure(
          stage,
          "get",
          turn -> {
            long number = data.pick(turn);
            data.fillKey(number, key);
            data.check(number, 0, peer.get(key));
          });
      measure(
          stage,
          "miss",
          turn -> {
            data.fillKey(data.keys() + data.pick(turn), key);
            if (peer.get(key) != null) {
              throw new AssertionError("a key that was never put");
            }
          });
      measure(
          stage,
          "put",
          turn -> {
            long number = data.pick(turn);
            data.fillKey(number, key);
            data.fillValue(number, 0, value);
            peer.put(key, value);
          });
      peer.settle();
    }
  }

  private static void measure(Stage stage, String name, LongConsumer step) throws Exception {
    Driver.during(stage.warmUpSeconds(), WARM_UP_TURN, 16, step);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (long turn = 0; turn < COUNTED; turn++) {
      step.accept(turn);
    }
    stage.report(
        name + "AllocatedBytes",
        (threads.getCurrentThreadAllocatedBytes() - before) / (double) COUNTED);
    Map<String, Double> counted = PerfStat.perStep(stage.seconds(), step);
    counted.forEach((event, times) -> stage.report(name + "-" + event, times));
    if (counted.isEmpty()) {
      stage.report(Stage.NOTE, "cycles and instructions are not counted here: perf stat cannot");
    }
  }
}

package dev.kvstore.bench;

import java.util.function.LongConsumer;

/// Overwrites random keys, relaxed, in one thread, long enough that compaction has to keep up.
record OverwriteWork() implements Work {
  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    int[] versions = new int[Math.toIntExact(data.keys())];
    byte[] key = new byte[data.keyBytes()];
    byte[] value = new byte[data.valueBytes()];
    try (Peer peer = stage.open(false)) {
      LongConsumer step =
          turn -> {
            int number = (int) data.pick(turn);
            versions[number]++;
            data.fillKey(number, key);
            data.fillValue(number, versions[number], value);
            peer.put(key, value);
          };
      double seconds = stage.seconds();
      long warm = Driver.during(seconds, 0, 16, step).operations();
      stage.report(Driver.during(2 * seconds, warm, 16, step));
      stage.report("diskBytes", Machine.diskBytes(stage.directory()));
      for (int number = 0; number < versions.length; number++) {
        data.check(number, versions[number], peer.get(data.key(number)));
      }
    }
  }
}

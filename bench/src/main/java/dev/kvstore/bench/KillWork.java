package dev.kvstore.bench;

import java.util.Set;
import java.util.function.LongConsumer;

/// Fills an empty store, relaxed, and is killed with `SIGKILL` while it is open.
record KillWork() implements Work {
  /// What a process killed so ends with.
  static final int STATUS = 128 + 9;

  @Override
  public Set<Promise> needs() {
    return Set.of(Promise.SURVIVES_KILL);
  }

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
      Driver.times(data.keys(), Integer.MAX_VALUE, put);
      peer.handOver();
      new ProcessBuilder("kill", "-KILL", Long.toString(ProcessHandle.current().pid())).start();
      Thread.sleep(60_000);
    }
    throw new AssertionError("not killed");
  }
}

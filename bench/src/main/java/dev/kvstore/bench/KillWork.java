package dev.kvstore.bench;

import java.util.Set;

/// Fills an empty store, relaxed, and is killed with `SIGKILL` while it is open.
record KillWork() implements Work {
  @Override
  public Set<Promise> needs() {
    return Set.of(Promise.SURVIVES_KILL);
  }

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    try (Peer peer = stage.open(false)) {
      for (long number = 0; number < data.keys(); number++) {
        peer.put(data.key(number), data.value(number, 0));
      }
      peer.handOver();
      new ProcessBuilder("kill", "-KILL", Long.toString(ProcessHandle.current().pid())).start();
      Thread.sleep(60_000);
    }
    throw new AssertionError("not killed");
  }
}

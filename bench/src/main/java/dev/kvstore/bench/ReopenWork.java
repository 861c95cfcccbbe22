package dev.kvstore.bench;

import java.util.Set;

/// From the call of open to the answer to the first get, in a JVM that has done nothing before. What
/// the files held is in the page cache.
record ReopenWork() implements Work {
  @Override
  public Set<Promise> needs() {
    return Set.of(Promise.REOPEN);
  }

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    long start = System.nanoTime();
    try (Peer peer = stage.open(false)) {
      byte[] first = peer.get(data.key(0));
      stage.report("millis", (System.nanoTime() - start) / 1e6);
      data.check(0, 0, first);
      for (long number = 0; number < data.keys(); number++) {
        data.check(number, 0, peer.get(data.key(number)));
      }
    }
  }
}

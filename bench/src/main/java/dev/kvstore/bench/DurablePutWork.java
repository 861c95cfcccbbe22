package dev.kvstore.bench;

import java.util.Set;
import java.util.concurrent.atomic.AtomicLongArray;

/// Puts of new keys that are on the disk when they return.
record DurablePutWork(int threads, boolean virtual) implements Work {
  private static final long THREAD_STRIDE = 1L << 40;

  @Override
  public Set<Promise> needs() {
    return Set.of(Promise.DURABLE_PUT, Promise.GROWTH);
  }

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    AtomicLongArray put = new AtomicLongArray(threads);
    try (Peer peer = stage.open(true)) {
      for (double seconds : new double[] {4 * stage.warmUpSeconds(), 2 * stage.seconds()}) {
        stage.report(
            Driver.during(seconds, threads, virtual, 1, thread -> puts(peer, data, put, thread)));
      }
      for (int thread = 0; thread < threads; thread++) {
        for (long i = 0; i < put.get(thread); i++) {
          long number = thread * THREAD_STRIDE + i;
          data.check(number, 0, peer.get(data.key(number)));
        }
      }
    }
  }

  private static Driver.Part puts(Peer peer, Data data, AtomicLongArray put, int thread) {
    return new Driver.Part(
        thread * THREAD_STRIDE + put.get(thread),
        number -> peer.put(data.key(number), data.value(number, 0)),
        done -> put.addAndGet(thread, done));
  }
}

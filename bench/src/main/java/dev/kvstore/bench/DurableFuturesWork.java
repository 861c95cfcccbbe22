package dev.kvstore.bench;

import dev.kvstore.AsyncKvStore;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/// Durable puts of new keys by one thread that does not wait for each, as futures; so many are under
/// way at a time. A latency is the time from the call to the completion.
record DurableFuturesWork(int inFlight) implements Work {
  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    try (KvStorePeer peer = (KvStorePeer) stage.open(true)) {
      AsyncKvStore store = peer.store().async();
      long warm = puts(store, data, 0, 4 * stage.warmUpSeconds()).operations();
      Driver.Outcome outcome = puts(store, data, warm, 2 * stage.seconds());
      stage.report(outcome);
      for (long number = 0; number < warm + outcome.operations(); number++) {
        data.check(number, 0, peer.get(data.key(number)));
      }
    }
  }

  private Driver.Outcome puts(AsyncKvStore store, Data data, long first, double seconds)
      throws InterruptedException {
    Histogram latencies = new ConcurrentHistogram(3);
    Semaphore free = new Semaphore(inFlight);
    Map<Long, Throwable> failures = new ConcurrentHashMap<>();
    AtomicLong last = new AtomicLong();
    long start = System.nanoTime();
    long number = first;
    for (; System.nanoTime() - start < seconds * 1e9; number++) {
      free.acquire();
      long before = System.nanoTime();
      long mine = number;
      var _ =
          store
              .put(data.key(number), data.value(number, 0))
              .whenComplete((sequence, failure) -> {
                if (failure != null) {
                  failures.put(mine, failure);
                }
                long now = System.nanoTime();
                latencies.recordValue(now - before);
                last.accumulateAndGet(now - start, Math::max);
                free.release();
              });
    }
    free.acquire(inFlight);
    if (!failures.isEmpty()) {
      throw new IllegalStateException("puts failed: " + failures);
    }
    return new Driver.Outcome(number - first, last.get(), latencies);
  }
}

package dev.kvstore.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
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
    byte[] firstKey = data.key(0);
    long residentBefore = Machine.residentBytes();
    Machine.forgetPeak();
    long start = System.nanoTime();
    try (Peer peer = stage.open(false)) {
      byte[] first = peer.get(firstKey);
      stage.report("millis", (System.nanoTime() - start) / 1e6);
      stage.report("peakBytes", Machine.peakBytes() - residentBefore);
      stage.report("heapPeakBytes", heapPeakBytes());
      data.check(0, 0, first);
      stage.readAll(peer);
    }
  }

  private static long heapPeakBytes() {
    long peak = 0;
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      if (pool.getType() == MemoryType.HEAP) {
        peak += pool.getPeakUsage().getUsed();
      }
    }
    return peak;
  }
}

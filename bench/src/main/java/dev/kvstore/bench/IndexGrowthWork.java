package dev.kvstore.bench;

import dev.kvstore.Stats;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.HdrHistogram.Histogram;

/// Grows a store from a tenth of its keys to all of them and shrinks it again, looks at the memory of
/// the index at each hundredth more or less, and times every single put: a table that grows makes
/// somebody wait.
record IndexGrowthWork() implements Work {
  private static final int TENTH = 10;
  private static final double STEP = 1.01;

  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    byte[] key = new byte[data.keyBytes()];
    byte[] value = new byte[data.valueBytes()];
    Histogram puts = new Histogram(3);
    long heapBefore = MemoryWork.heapBytes();
    try (KvStorePeer peer = (KvStorePeer) stage.open(false)) {
      double worst = 0;
      double next = data.keys() / (double) TENTH;
      long longestAt = 0;
      for (long number = 0; number < data.keys(); number++) {
        data.fillKey(number, key);
        data.fillValue(number, 0, value);
        long before = System.nanoTime();
        peer.put(key, value);
        long nanos = System.nanoTime() - before;
        if (number >= data.keys() / TENTH) {
          longestAt = nanos > puts.getMaxValue() ? number : longestAt;
          puts.recordValue(nanos);
        }
        if (number + 1 >= next) {
          next *= STEP;
          worst = Math.max(worst, sample(stage, peer, "growing"));
        }
      }
      stage.report("growingBytesPerKey", worst);
      stage.report("endBytesPerKey", sample(stage, peer, "growing"));
      stage.report("longestPutMillis", puts.getMaxValue() / 1e6);
      stage.report("longestPutAt", longestAt);
      stage.report("p9999Nanos", puts.getValueAtPercentile(99.99));
      stage.readAll(peer);
      stage.report("heapBytes", MemoryWork.heapBytes() - heapBefore);
      stage.report("shrinkingBytesPerKey", shrink(stage, peer));
    }
  }

  /// Deletes all but a tenth.
  private static double shrink(Stage stage, KvStorePeer peer) throws IOException {
    Data data = stage.data();
    double worst = 0;
    double next = data.keys() / STEP;
    byte[] key = new byte[data.keyBytes()];
    for (long left = data.keys() - 1; left >= data.keys() / TENTH; left--) {
      data.fillKey(left, key);
      peer.delete(key);
      if (left <= next) {
        next /= STEP;
        worst = Math.max(worst, sample(stage, peer, "shrinking"));
      }
    }
    return worst;
  }

  private static double sample(Stage stage, KvStorePeer peer, String direction) throws IOException {
    Stats stats = peer.store().stats();
    Map<String, Object> point = new LinkedHashMap<>();
    point.put(Results.POINT, stats.keys());
    point.put("direction", direction);
    point.put("indexBytesPerKey", stats.indexBytesPerKey());
    stage.point(point);
    return stats.indexBytesPerKey();
  }
}

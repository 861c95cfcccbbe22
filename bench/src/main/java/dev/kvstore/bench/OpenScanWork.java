package dev.kvstore.bench;

import dev.kvstore.RecoveryReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Opens a store whose index has to be made from the log alone: hints and index image are gone, and
/// so is, if that can be done, what the page cache held. Beside it, right before, the segments are
/// read from front to back in the same state: the bandwidth that there is.
record OpenScanWork() implements Work {
  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    Files.deleteIfExists(stage.directory().resolve("INDEX"));
    for (Path hint : PageCache.files(stage.directory(), ".hint")) {
      Files.delete(hint);
    }
    List<Path> segments = PageCache.files(stage.directory(), ".seg");
    double read = 0;
    for (int threads : new int[] {1, Runtime.getRuntime().availableProcessors()}) {
      PageCache.drop(segments);
      read = Math.max(read, PageCache.readRate(segments, threads));
    }
    stage.report("readBandwidth", read);
    boolean cold = PageCache.drop(segments);
    stage.report("cold", Boolean.toString(cold));
    long residentBefore = Machine.residentBytes();
    Machine.forgetPeak();
    long start = System.nanoTime();
    try (KvStorePeer peer = (KvStorePeer) stage.open(false)) {
      byte[] first = peer.get(data.key(0));
      double seconds = (System.nanoTime() - start) / 1e9;
      stage.report("peakBytes", Machine.peakBytes() - residentBefore);
      data.check(0, 0, first);
      RecoveryReport recovery = peer.store().recovery();
      if (recovery.segmentsScanned() < recovery.segments()) {
        throw new AssertionError("not by scan: " + recovery);
      }
      stage.report("millis", seconds * 1e3);
      stage.report("bandwidth", PageCache.bytes(segments) / seconds);
      stage.report("ofRead", PageCache.bytes(segments) / seconds / read);
      stage.readAll(peer);
    }
  }
}

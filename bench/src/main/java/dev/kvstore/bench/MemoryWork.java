package dev.kvstore.bench;

import java.lang.management.ManagementFactory;

/// Memory for each key of a store that was loaded, closed and opened again, once every key was read.
///
/// `anonBytesPerKey` is what the process took outside the Java heap (which was resident before), mapped
/// files not counted: index, caches, buffers. `indexBytesPerKey` is what the store itself calls its
/// index. `heapBytes` is what is left of the heap after a collection, more than before the open.
record MemoryWork() implements Work {
  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    long heapBefore = heapBytes();
    long before = Machine.anonymousBytes();
    try (Peer peer = stage.open(false)) {
      stage.readAll(peer);
      double keys = data.keys();
      stage.report("anonBytesPerKey", (Machine.anonymousBytes() - before) / keys);
      peer.indexBytes().ifPresent(bytes -> stage.report("indexBytesPerKey", bytes / keys));
      stage.report("diskBytesPerKey", Machine.diskBytes(stage.directory()) / keys);
      stage.report("heapBytes", Math.max(0, heapBytes() - heapBefore));
    }
  }

  static long heapBytes() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }
}

package dev.kvstore.bench;

/// Memory for each key of a store that was loaded, closed and opened again, once every key was read.
///
/// `anonBytes` is what the process took outside the Java heap (which was resident before), mapped
/// files not counted: index, caches, buffers. `indexBytes` is what the store itself calls its index.
record MemoryWork() implements Work {
  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    byte[] key = new byte[data.keyBytes()];
    long before = Machine.anonymousBytes();
    try (Peer peer = stage.open(false)) {
      for (long number = 0; number < data.keys(); number++) {
        data.fillKey(number, key);
        data.check(number, 0, peer.get(key));
      }
      double keys = data.keys();
      stage.report("anonBytesPerKey", (Machine.anonymousBytes() - before) / keys);
      peer.indexBytes().ifPresent(bytes -> stage.report("indexBytesPerKey", bytes / keys));
      stage.report("diskBytesPerKey", Machine.diskBytes(stage.directory()) / keys);
    }
  }
}

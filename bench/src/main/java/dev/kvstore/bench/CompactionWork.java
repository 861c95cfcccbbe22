package dev.kvstore.bench;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.CompactionReport;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/// Compacts a log of which a third is garbage, half of each segment but the last ones, and all of
/// which is in the page cache. The same bytes are copied as files before and after, and the faster
/// copy counts.
///
/// Compaction is made to wait until everything is there. First all of it is run for the JIT, with another
/// store.
record CompactionWork() implements Work {
  @Override
  public void run(Stage stage) throws Exception {
    Data data = stage.data();
    Options options =
        Options.builder().durability(Durability.OS).compaction(CompactionPolicy.manual()).build();
    stage.report("settings", "Durability.OS, compaction on demand, all else default");
    Path scratch = Stage.scratch(stage.directory());
    Files.createDirectories(scratch);
    Files.createDirectories(stage.directory());
    try (KvStore store = KvStore.open(scratch.resolve("store"), options)) {
      fill(store, data);
      store.compact();
    }
    try (KvStore store = KvStore.open(stage.directory(), options)) {
      fill(store, data);
      store.sync();
      PageCache.writeBack();
      List<Path> segments = PageCache.files(stage.directory(), ".seg");
      double before = copyRate(segments, scratch, false);
      double beforeForced = copyRate(segments, scratch, true);
      CompactionReport report = store.compact();
      double rate = report.bytesRead() * 1e9 / report.duration().toNanos();
      List<Path> left = PageCache.files(stage.directory(), ".seg");
      double copy = Math.max(before, copyRate(left, scratch, false));
      double copyForced = Math.max(beforeForced, copyRate(left, scratch, true));
      stage.report("bandwidth", rate);
      stage.report("copyBandwidth", copy);
      stage.report("copyForcedBandwidth", copyForced);
      stage.report("ofCopy", rate / copy);
      stage.report("ofCopyForced", rate / copyForced);
      stage.report("bytesRead", report.bytesRead());
      stage.report("bytesWritten", report.bytesWritten());
      byte[] key = new byte[data.keyBytes()];
      for (long number = 0; number < data.keys(); number++) {
        data.fillKey(number, key);
        data.check(number, (int) (number & 1), store.get(key));
      }
    }
  }

  /// All keys, and every other one again.
  private static void fill(KvStore store, Data data) {
    byte[] key = new byte[data.keyBytes()];
    byte[] value = new byte[data.valueBytes()];
    for (int version = 0; version < 2; version++) {
      for (long number = version; number < data.keys(); number += version + 1) {
        data.fillKey(number, key);
        data.fillValue(number, version, value);
        store.put(key, value);
      }
    }
  }

  private static double copyRate(List<Path> files, Path directory, boolean forced)
      throws IOException {
    long bytes = 0;
    long nanos = 0;
    for (Path file : files) {
      Path copy = directory.resolve(file.getFileName());
      long start = System.nanoTime();
      Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
      if (forced) {
        try (FileChannel channel = FileChannel.open(copy, StandardOpenOption.WRITE)) {
          channel.force(false);
        }
      }
      nanos += System.nanoTime() - start;
      bytes += Files.size(copy);
      Files.delete(copy);
    }
    return bytes * 1e9 / nanos;
  }
}

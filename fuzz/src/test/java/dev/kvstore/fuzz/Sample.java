package dev.kvstore.fuzz;

import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.WriteBatch;
import dev.kvstore.fuzz.PlainRecords.Plain;
import dev.kvstore.io.Directory;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.StoreId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/// A small store that was closed: sealed segments with hints, one that was compacted, one open; replaced,
/// deleted and standing keys in each. One of its files is what a target puts in its place.
final class Sample {
  private static final int KEYS = 40;

  /// What is written over a store that lies.
  private static final byte[] OURS = Stores.key("ours");

  private final Map<String, byte[]> files;
  private final StoreId store;
  private final Map<String, byte[]> contents = new TreeMap<>();
  private final Map<String, List<byte[]>> written = new HashMap<>();

  Sample() {
    files = Stores.made(Sample::fill);
    byte[] manifest = files.get("MANIFEST");
    store =
        new StoreId(
            PlainRecords.numbers(manifest).getLong(16), PlainRecords.numbers(manifest).getLong(24));
    try (KvStore opened = Stores.open(new MemoryDirectory(files), Stores.READING)) {
      contents.putAll(Stores.contents(opened));
    }
    files.forEach((name, file) ->
        SegmentFormat.segmentIdOf(name)
            .ifPresent(id -> collect(new PlainRecords(store, id), file)));
  }

  private static void fill(KvStore store) {
    for (int number = 0; number < 3 * KEYS; number++) {
      store.put(key(number), value(number, 90));
      if (number % 7 == 0) {
        store.delete(key(number / 2));
      }
    }
    store.compact();
    for (int number = 3 * KEYS; number < 5 * KEYS; number++) {
      store.put(key(number * 3), value(number, 60));
    }
    store.write(new WriteBatch().put("batch1", "one").delete("k5").put("batch2", "two"));
    store.delete(key(11));
  }

  private static byte[] key(int number) {
    return Stores.key("k" + number % KEYS);
  }

  private static byte[] value(int number, int bytes) {
    return Stores.key("v" + number + ".".repeat(bytes));
  }

  private void collect(PlainRecords records, byte[] file) {
    for (Plain record : records.from(file, PlainRecords.SEGMENT_HEADER_BYTES)) {
      if (record.kind() == PlainRecords.PUT) {
        written
            .computeIfAbsent(Stores.text(record.key()), k -> new ArrayList<>())
            .add(record.value());
      }
    }
  }

  StoreId store() {
    return store;
  }

  Map<String, byte[]> files() {
    return files;
  }

  Map<String, byte[]> contents() {
    return contents;
  }

  /// A copy of one of its files.
  byte[] file(String name) {
    return files.get(name).clone();
  }

  /// The names of its hints.
  List<String> hints() {
    return files.keySet().stream().filter(name -> name.endsWith(".hint")).toList();
  }

  /// The store with another file in the place of one; without its image, which would be read instead of a
  /// hint.
  Map<String, byte[]> with(String name, byte[] file) {
    Map<String, byte[]> changed = new TreeMap<>(files);
    if (!name.equals("MANIFEST")) {
      changed.remove("INDEX");
    }
    changed.put(name, file);
    return changed;
  }

  // ---- What must be true whatever the file says

  /// The file is not what it was, and its checksum tells: everything is as it was written.
  void requireUnharmed(Map<String, byte[]> changed) {
    for (Options options : List.of(Stores.READING, Stores.STRICT)) {
      MemoryDirectory directory = new MemoryDirectory(changed);
      for (int open = 0; open < 2; open++) {
        try (KvStore opened = Stores.open(directory, options)) {
          requireContents(opened);
          if (!options.readOnly()) {
            opened.compact();
            requireContents(opened);
          }
        }
      }
    }
  }

  private void requireContents(KvStore opened) {
    Map<String, byte[]> found = Stores.contents(opened);
    if (!Stores.same(found, contents) || opened.size() != contents.size()) {
      throw new AssertionError(
          "holds " + Stores.text(found) + "instead of " + Stores.text(contents));
    }
  }

  /// The file lies, and its checksums vouch for it: every call ends with an answer or an exception of the
  /// store, and every value that is served was once given to this very key.
  void requireBounded(Map<String, byte[]> changed) {
    for (Options options : List.of(Stores.READING, Stores.REST, Stores.STRICT)) {
      MemoryDirectory directory = new MemoryDirectory(changed);
      Stores.tries(() -> useAll(directory, options));
      if (!options.readOnly()) {
        Stores.tries(() -> useAll(directory, options)); // what the first left
      }
      if (!Arrays.equals(directory.contents().get("stranger.txt"), changed.get("stranger.txt"))) {
        throw new AssertionError("a stranger's file was changed");
      }
    }
  }

  private void useAll(Directory directory, Options options) {
    try (KvStore opened = Stores.open(directory, options)) {
      requireWritten(opened);
      for (String key : List.of("k1", "k5", "k39", "new")) {
        Stores.tries(() -> opened.put(Stores.key(key), OURS));
      }
      Stores.tries(() -> opened.delete(Stores.key("k2")));
      Stores.tries(() -> opened.keys().forEach(key -> {}));
      Stores.tries(() -> opened.getAll(contents.keySet().stream().map(Stores::key).toList()));
      Stores.tries(opened::stats);
      Stores.tries(opened::compact);
      requireWritten(opened);
    }
  }

  private void requireWritten(KvStore opened) {
    for (String key : contents.keySet()) {
      Stores.tries(() -> {
        byte[] value = opened.get(Stores.key(key));
        if (value != null && !wasWritten(key, value)) {
          throw new AssertionError(key + " was never " + Stores.text(value));
        }
      });
    }
  }

  private boolean wasWritten(String key, byte[] value) {
    return Arrays.equals(value, OURS)
        || Stream.ofNullable(written.get(key))
            .flatMap(List::stream)
            .anyMatch(each -> Arrays.equals(each, value));
  }
}

package dev.kvstore.format;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Value;
import dev.kvstore.WriteBatch;
import dev.kvstore.engine.Environment;
import dev.kvstore.engine.StoreEngine;
import dev.kvstore.engine.Workers;
import dev.kvstore.io.Access;
import dev.kvstore.io.DiskDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/// A store whose every byte is known, and its files as byte arrays.
final class StoreFiles {
  static final Options OPTIONS =
      Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(4 << 10)
          .compaction(CompactionPolicy.manual())
          .application(4711, 3)
          .recoveryThreads(1)
          .build();

  private StoreFiles() {}

  /// Opens a store without threads, with a clock and an id that are the same each time.
  static KvStore open(Path directory, Options options) {
    AtomicLong millis = new AtomicLong(1_700_000_000_000L);
    InstantSource clock = () -> Instant.ofEpochMilli(millis.addAndGet(1000));
    Environment environment = new Environment(clock, new SplittableRandom(42), Workers.inline());
    Access access = options.readOnly() ? Access.READ : Access.WRITE;
    return StoreEngine.open(DiskDirectory.open(directory, access, true), options, environment);
  }

  /// Everything that version 1 knows: values of each type, empty and long ones, keys of any bytes,
  /// batches, deletions, several sealed segments, one that was compacted, a mark, an open segment.
  static void write(Path directory) {
    try (KvStore store = open(directory, OPTIONS)) {
      for (int number = 0; number < 60; number++) {
        store.put("overwritten" + number % 6, "text " + number + " " + "ä".repeat(number));
      }
      store.sync();
      store.compact();
      store.put("text", Value.of("Grüße, 世界 🌍"));
      store.put("integer", Value.of(Long.MIN_VALUE));
      store.put("float", Value.of(-0.0));
      store.put(new byte[] {0, -1, 10, 0}, new byte[] {1, 2, 3, 0, -1});
      store.put("empty".getBytes(StandardCharsets.UTF_8), new byte[0]);
      store.put("long".getBytes(StandardCharsets.UTF_8), longValue());
      store.write(
          new WriteBatch()
              .put("batch1", "one")
              .delete("overwritten0")
              .put("batch2".getBytes(StandardCharsets.UTF_8), Value.of(2L)));
      store.delete("overwritten1");
      for (int number = 0; number < 40; number++) {
        store.increment("counter", number);
      }
      store.delete("overwritten2");
    }
    try (KvStore store = open(directory, OPTIONS)) {
      store.put("after", "a clean close");
      store.delete("float");
    }
  }

  static byte[] longValue() {
    byte[] value = new byte[5000]; // longer than a segment
    for (int at = 0; at < value.length; at++) {
      value[at] = (byte) (at * 31 >>> 3);
    }
    return value;
  }

  /// What [#write] leaves, by key as ISO 8859-1.
  static Map<String, Value> contents() {
    Map<String, Value> contents = new TreeMap<>();
    for (int number = 3; number < 6; number++) {
      contents.put(
          "overwritten" + number,
          Value.of("text " + (54 + number) + " " + "ä".repeat(54 + number)));
    }
    contents.put("text", Value.of("Grüße, 世界 🌍"));
    contents.put("integer", Value.of(Long.MIN_VALUE));
    contents.put("\u0000\u00ff\n\u0000", Value.of(new byte[] {1, 2, 3, 0, -1}));
    contents.put("empty", Value.of(new byte[0]));
    contents.put("long", Value.of(longValue()));
    contents.put("batch1", Value.of("one"));
    contents.put("batch2", Value.of(2L));
    contents.put("counter", Value.of(780L));
    contents.put("after", Value.of("a clean close"));
    return contents;
  }

  static Map<String, Value> contentsOf(KvStore store) {
    Map<String, Value> contents = new TreeMap<>();
    try (var entries = store.entries()) {
      entries.forEach(entry ->
          contents.put(new String(entry.key(), StandardCharsets.ISO_8859_1), entry.value()));
    }
    return contents;
  }

  // ---- Files

  /// All files of a directory that are part of the format.
  static Map<String, byte[]> read(Path directory) {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> paths = Files.list(directory)) {
      for (Path path : paths.toList()) {
        String name = path.getFileName().toString();
        if (!name.equals("LOCK") && !name.startsWith("RECOVERY.json")) {
          files.put(name, Files.readAllBytes(path));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }

  /// Puts files into a directory in the place of whatever is there.
  static void put(Path directory, Map<String, byte[]> files) {
    try {
      Files.createDirectories(directory);
      try (Stream<Path> paths = Files.list(directory)) {
        for (Path path : paths.toList()) {
          Files.delete(path);
        }
      }
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        Files.write(directory.resolve(file.getKey()), file.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

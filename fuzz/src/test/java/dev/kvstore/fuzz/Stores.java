package dev.kvstore.fuzz;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.DamagePolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreException;
import dev.kvstore.engine.Environment;
import dev.kvstore.engine.StoreEngine;
import dev.kvstore.engine.Workers;
import dev.kvstore.io.Directory;
import dev.kvstore.segment.StoreId;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;

/// Opens stores and uses them; without threads, and the same each time.
final class Stores {
  // Kept, or it would forget its level.
  private static final Logger LOGGER = Logger.getLogger("dev.kvstore");

  static final StoreId ID = new StoreId(0x0123456789abcdefL, 0xfedcba9876543210L);

  static final Options STRICT =
      Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(4 << 10)
          .compaction(CompactionPolicy.manual())
          .createIfMissing(false)
          .recoveryThreads(1)
          .build();

  static final Options READING = STRICT.toBuilder().readOnly(true).build();

  static final Options REST = READING.toBuilder().damagePolicy(DamagePolicy.SERVE_REST).build();

  static {
    LOGGER.setLevel(Level.OFF);
  }

  private Stores() {}

  static KvStore open(Directory directory, Options options) {
    AtomicLong millis = new AtomicLong(1_700_000_000_000L);
    InstantSource clock = () -> Instant.ofEpochMilli(millis.addAndGet(1000));
    return StoreEngine.open(
        directory, options, new Environment(clock, new SplittableRandom(42), Workers.inline()));
  }

  /// A new store that something has been done to, and that was closed.
  static Map<String, byte[]> made(Consumer<KvStore> work) {
    MemoryDirectory directory = new MemoryDirectory(Map.of());
    try (KvStore store = open(directory, STRICT.toBuilder().createIfMissing(true).build())) {
      work.accept(store);
    }
    return withoutNotes(directory.contents());
  }

  private static Map<String, byte[]> withoutNotes(Map<String, byte[]> contents) {
    Map<String, byte[]> files = new TreeMap<>(contents);
    files.keySet().removeIf(name -> name.matches("LOCK|RESERVE|RECOVERY.*"));
    return files;
  }

  /// Everything in a store by key as ISO 8859-1, found by iteration and then by get.
  static Map<String, byte[]> contents(KvStore store) {
    Map<String, byte[]> found = new TreeMap<>();
    try (Stream<byte[]> keys = store.keys()) {
      keys.forEach(key -> {
        byte[] value = store.get(key);
        if (value == null) {
          throw new AssertionError(text(key) + " is delivered and not there");
        }
        if (found.put(text(key), value) != null) {
          throw new AssertionError(text(key) + " is delivered twice");
        }
      });
    }
    return found;
  }

  static String text(byte[] key) {
    return new String(key, StandardCharsets.ISO_8859_1);
  }

  static byte[] key(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  static boolean same(Map<String, byte[]> a, Map<String, byte[]> b) {
    return a.keySet().equals(b.keySet())
        && a.entrySet().stream()
            .allMatch(entry -> Arrays.equals(entry.getValue(), b.get(entry.getKey())));
  }

  static String text(Map<String, byte[]> contents) {
    StringBuilder text = new StringBuilder();
    contents.forEach((key, value) ->
        text.append(key)
            .append('=')
            .append(text(value))
            .append('(')
            .append(value.length)
            .append(") "));
    return text.toString();
  }

  /// An exception of the store is an answer, and says something; anything else is none.
  static void tries(Runnable call) {
    try {
      call.run();
    } catch (StoreException e) {
      if (e.getMessage().isBlank()) {
        throw new AssertionError("an exception without a message", e);
      }
    }
  }
}

package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.kvstore.RecoveryReport.IndexSource;
import dev.kvstore.testkit.Seed;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// From wherever the index is loaded, with however many threads, it is the same one: keys that were
/// written again and again, and deleted, and written again, in segment after segment.
@Timeout(180)
class RecoverySourcesTest {
  private static final int KEYS = 3000;

  private static final Options OPTIONS =
      Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(128 << 10)
          .compaction(CompactionPolicy.manual())
          .build();

  @TempDir private static Path temporary;

  private static Path killed;
  private static Path closed;
  private static final Map<String, byte[]> MODEL = new TreeMap<>();
  private static List<Stats.Segment> segments;

  @BeforeAll
  static void live() throws IOException {
    Path directory = temporary.resolve("live");
    killed = temporary.resolve("killed");
    closed = temporary.resolve("closed");
    SplittableRandom random = new SplittableRandom(23);
    try (KvStore store = KvStore.open(directory, OPTIONS)) {
      for (int session = 0; session < 4; session++) {
        write(store, random, 15_000);
      }
      awaitSealed(store);
      copy(directory, killed, name -> true);
    }
    copy(directory, closed, name -> true);
    try (KvStore store = open(closed, 1)) {
      segments = store.stats().segments();
      assertThat(store.recovery().indexSource()).isEqualTo(IndexSource.IMAGE);
    }
    assertThat(segments).hasSizeGreaterThan(30);
    assertThat(segments).anyMatch(segment -> segment.liveBytes() > 0);
  }

  /// Nobody changes the directory afterwards, so that a copy of it is what a kill leaves.
  private static void awaitSealed(KvStore store) {
    await()
        .until(() ->
            store.stats().segments().stream()
                .noneMatch(segment -> segment.state() == Stats.State.SEALING));
  }

  private static void write(KvStore store, SplittableRandom random, int writes) {
    for (int i = 0; i < writes; i++) {
      // Some keys in every segment, some in few.
      int number = random.nextBoolean() ? random.nextInt(50) : random.nextInt(KEYS);
      String key = "key-" + number;
      byte[] value = new byte[random.nextInt(120)];
      random.nextBytes(value);
      switch (random.nextInt(10)) {
        case 0, 1 -> {
          store.delete(bytes(key));
          MODEL.remove(key);
        }
        case 2 -> {
          String other = "key-" + random.nextInt(KEYS);
          store.write(
              new WriteBatch().put(bytes(key), value).delete(other).put(bytes(key + "b"), value));
          MODEL.put(key, value);
          MODEL.remove(other);
          MODEL.put(key + "b", value);
        }
        default -> {
          store.put(bytes(key), value);
          MODEL.put(key, value);
        }
      }
    }
  }

  private static byte[] bytes(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }

  private static KvStore open(Path directory, int threads) {
    return KvStore.open(directory, OPTIONS.toBuilder().recoveryThreads(threads).build());
  }

  private static void copy(Path from, Path to, Predicate<String> which) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (!name.equals("LOCK") && which.test(name)) {
          Files.copy(file, to.resolve(name));
        }
      }
    }
  }

  private static Path copyOf(Path from, Predicate<String> which) {
    try {
      Path to = Files.createTempDirectory(temporary, "copy");
      copy(from, to, which);
      return to;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void requireAll(KvStore store) {
    assertThat(store.size()).isEqualTo(MODEL.size());
    MODEL.forEach((key, value) -> assertThat(store.get(bytes(key))).as(key).isEqualTo(value));
    List<String> keys = new ArrayList<>();
    store.keys().forEach(key -> keys.add(new String(key, StandardCharsets.UTF_8)));
    assertThat(keys).containsExactlyInAnyOrderElementsOf(MODEL.keySet());
    assertThat(store.recovery().damages()).isEmpty();
  }

  /// Live bytes are those of a store that was never closed, whatever told them.
  private static void requireSameLiveBytes(KvStore store) {
    Map<Long, Long> live = new TreeMap<>();
    segments.forEach(segment -> live.put(segment.id(), segment.liveBytes()));
    for (Stats.Segment segment : store.stats().segments()) {
      assertThat(segment.liveBytes())
          .as("segment " + segment.id())
          .isEqualTo(live.get(segment.id()));
    }
  }

  private static void opensWith(Path from, Predicate<String> which) {
    for (int threads : new int[] {1, 2, 5}) {
      Path directory = copyOf(from, which);
      try (KvStore store = open(directory, threads)) {
        requireAll(store);
        requireSameLiveBytes(store);
        store.put("and", "goes on");
      }
      try (KvStore store = open(directory, threads)) {
        assertThat(store.getString("and")).contains("goes on");
        assertThat(store.size()).isEqualTo(MODEL.size() + 1);
        store.compact();
        assertThat(store.size()).isEqualTo(MODEL.size() + 1);
      }
      assertThat(StoreInspector.verify(directory, Progress.NONE).isIntact()).isTrue();
    }
  }

  @Test
  void fromTheImage() {
    opensWith(closed, name -> true);
  }

  @Test
  void fromHints() {
    opensWith(closed, name -> !name.equals("INDEX"));
  }

  @Test
  void fromHintsAndATailAfterAKill() {
    opensWith(killed, name -> true);
  }

  @Test
  void fromSegmentsAlone() {
    opensWith(closed, name -> !name.equals("INDEX") && !name.endsWith(".hint"));
    opensWith(killed, name -> !name.endsWith(".hint"));
  }

  @Test
  void fromAnyMixOfHintsAndSegments() {
    Seed.fresh(random -> {
      for (int round = 0; round < 3; round++) {
        long without = random.nextLong();
        Path from = random.nextBoolean() ? closed : killed;
        opensWith(
            from,
            name ->
                !name.equals("INDEX")
                    && !(name.endsWith(".hint") && (without >>> name.hashCode() & 1) == 0));
      }
    });
  }

  @Test
  void fromAnImageAndWhatCameAfterIt() throws IOException {
    Path directory = copyOf(closed, name -> true);
    Path later = temporary.resolve("later");
    Map<String, byte[]> before = new TreeMap<>(MODEL);
    try (KvStore store = open(directory, 2)) {
      write(store, new SplittableRandom(5), 20_000);
      awaitSealed(store);
      copy(directory, later, name -> true);
    }
    try {
      assertThat(later.resolve("INDEX")).exists();
      for (boolean hints : new boolean[] {true, false}) {
        for (int threads : new int[] {1, 3}) {
          Path copy = copyOf(later, name -> hints || !name.endsWith(".hint"));
          try (KvStore store = open(copy, threads)) {
            assertThat(store.recovery().indexSource()).isEqualTo(IndexSource.IMAGE);
            requireAll(store);
          }
        }
      }
    } finally {
      MODEL.clear();
      MODEL.putAll(before);
    }
  }

  @Test
  void hintsThatAreMissingAreWrittenOnceTheStoreIsOpen() throws IOException {
    for (Predicate<String> which :
        List.<Predicate<String>>of(
            name -> !name.endsWith(".hint"),
            name -> !name.equals("INDEX") && !name.endsWith(".hint"))) {
      Path directory = copyOf(closed, which);
      try (KvStore store = open(directory, 2)) {
        store.compact(); // waits for them
      }
      Files.deleteIfExists(directory.resolve("INDEX"));
      try (KvStore store = open(directory, 2)) {
        assertThat(store.recovery().filesIgnored()).isEmpty();
        requireAll(store);
      }
    }
  }

  @Test
  void aReadOnlyOpenWritesNothing() throws IOException {
    Path directory = copyOf(killed, name -> !name.endsWith(".hint"));
    Map<String, Long> before = sizes(directory);
    try (KvStore store =
        KvStore.open(directory, OPTIONS.toBuilder().readOnly(true).recoveryThreads(3).build())) {
      requireAll(store);
    }
    assertThat(sizes(directory)).isEqualTo(before);
  }

  private static Map<String, Long> sizes(Path directory) throws IOException {
    Map<String, Long> sizes = new TreeMap<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        sizes.put(file.getFileName().toString(), Files.size(file));
      }
    }
    return sizes;
  }

  @Test
  void damageInAScannedSegmentIsReportedAndWhatIsBehindItCounts() {
    Seed.fresh(random -> {
      List<String> sealed = new ArrayList<>();
      segments.subList(0, segments.size() - 1).forEach(segment -> sealed.add(nameOf(segment.id())));
      for (int round = 0; round < 4; round++) {
        Path directory = copyOf(closed, name -> !name.equals("INDEX") && !name.endsWith(".hint"));
        String name = sealed.get(random.nextInt(sealed.size()));
        long offset = flip(directory.resolve(name), random);
        String event = name + " @ " + offset;
        assertThatThrownBy(() -> open(directory, 3).close())
            .as(event)
            .isInstanceOf(StoreCorruptionException.class)
            .hasMessageContaining(name);
        Options rest =
            OPTIONS.toBuilder().recoveryThreads(3).damagePolicy(DamagePolicy.SERVE_REST).build();
        try (KvStore store = KvStore.open(directory, rest)) {
          assertThat(store.recovery().damages()).as(event).hasSize(1);
          assertThat(store.recovery().damages().getFirst().file()).isEqualTo(name);
          // One record is lost; it may have hidden an older one, or a deletion.
          long different =
              MODEL.entrySet().stream()
                  .filter(entry ->
                      !java.util.Arrays.equals(store.get(bytes(entry.getKey())), entry.getValue()))
                  .count();
          assertThat(different).as(event).isLessThanOrEqualTo(1);
          assertThat(store.size()).isBetween(MODEL.size() - 1L, MODEL.size() + 1L);
        }
      }
    });
  }

  private static String nameOf(long id) {
    return "%010d.seg".formatted(id);
  }

  /// Turns a byte over that belongs to a record, by the name of the record's key.
  private static long flip(Path file, SplittableRandom random) {
    try (RandomAccessFile segment = new RandomAccessFile(file.toFile(), "rw")) {
      byte[] bytes = new byte[(int) segment.length()];
      segment.readFully(bytes);
      int at = 64 + random.nextInt(bytes.length - 200);
      while (!(bytes[at] == 'k' && bytes[at + 1] == 'e' && bytes[at + 2] == 'y')) {
        at++;
      }
      segment.seek(at);
      segment.write(bytes[at] ^ 4);
      return at;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

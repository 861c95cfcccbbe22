package dev.kvstore.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.RecoveryReport.IndexSource;
import dev.kvstore.StoreException;
import dev.kvstore.StoreInspector;
import dev.kvstore.testkit.Seed;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Index images of both forms: any byte turned over is found; and with their checksums made right again
/// they may say what they like, but nothing hangs, nothing leaves its bounds, and nothing is thrown but an
/// exception of the store.
@Timeout(300)
class ForgedImageTest {
  private static final int SHARDS = 1024;
  private static final int BLOCK_BYTES = 1 << 20;
  private static final int PAGED_KEYS = 131_072;
  private static final Duration MOST = Duration.ofSeconds(60);
  private static final Options OPTIONS =
      Options.builder().durability(Durability.OS).compaction(CompactionPolicy.manual()).build();

  @TempDir private Path temporary;

  private Map<String, byte[]> store(int keys) {
    Path directory = temporary.resolve("made" + keys);
    try (KvStore store = KvStore.open(directory, OPTIONS)) {
      for (int key = 0; key < keys; key++) {
        store.put(key(key), key(key));
      }
    }
    return StoreFiles.read(directory);
  }

  private static byte[] key(int number) {
    return Integer.toString(number).getBytes(StandardCharsets.US_ASCII);
  }

  private static ByteBuffer numbers(byte[] image) {
    return ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static int shardsAt(byte[] image) {
    return 64 + 32 * numbers(image).getInt(56);
  }

  private static int bodyAt(byte[] image, boolean paged) {
    long bytes = 0;
    for (int shard = 0; shard < SHARDS; shard++) {
      int row = shardsAt(image) + 8 * shard;
      bytes += paged ? 4096L * numbers(image).getInt(row + 4) : 8L * numbers(image).getInt(row);
    }
    return Math.toIntExact(image.length - bytes);
  }

  private static void makeSumsRight(byte[] image, int bodyAt) {
    ByteBuffer numbers = numbers(image);
    int sum = shardsAt(image) + 8 * SHARDS;
    for (int at = bodyAt; at < image.length; at += BLOCK_BYTES) {
      numbers.putInt(sum, crc(image, at, Math.min(image.length, at + BLOCK_BYTES)));
      sum += 4;
    }
    numbers.putInt(bodyAt - 4, crc(image, 0, bodyAt - 4));
  }

  private static int crc(byte[] bytes, int from, int to) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, from, to - from);
    return (int) crc.getValue();
  }

  @Test
  void imagesAreOfEntriesBelowAndOfPagesFromTheFirstKeyOnThatMakesPagesWorthIt() {
    assertThat(store(PAGED_KEYS - 1).get("INDEX").length)
        .isBetween(8 * PAGED_KEYS, 8 * PAGED_KEYS + 20_000);
    byte[] paged = store(PAGED_KEYS).get("INDEX");
    assertThat(paged.length % 4096).isZero();
    for (int shard = 0; shard < SHARDS; shard++) {
      assertThat(numbers(paged).getInt(shardsAt(paged) + 8 * shard + 4)).isPositive();
    }
  }

  @Test
  void imagesOfNoneOneAndManyKeysAreLoaded() {
    for (int keys : new int[] {1, 2, 5000, PAGED_KEYS - 1, PAGED_KEYS, PAGED_KEYS + 1, 200_000}) {
      Path directory = temporary.resolve("loaded" + keys);
      StoreFiles.put(directory, store(keys));
      try (KvStore store = KvStore.open(directory, OPTIONS)) {
        assertThat(store.recovery().indexSource()).isEqualTo(IndexSource.IMAGE);
        assertThat(store.size()).isEqualTo(keys);
        for (int key = 0; key < keys; key++) {
          if (!Arrays.equals(store.get(key(key)), key(key))) throw new AssertionError("key " + key);
        }
        assertThat(store.get(key(keys))).isNull();
        for (int key = 0; key < keys; key++) {
          store.delete(key(key));
        }
      }
      try (KvStore store = KvStore.open(directory, OPTIONS)) {
        assertThat(store.recovery().indexSource()).isEqualTo(IndexSource.IMAGE);
        assertThat(store.size()).isZero();
      }
    }
  }

  @Test
  void anyByteTurnedOverIsFoundAndTheIndexRebuilt() {
    Seed.fresh(random -> {
      for (int keys : new int[] {700, PAGED_KEYS}) {
        Map<String, byte[]> files = store(keys);
        byte[] sound = files.get("INDEX");
        int bodyAt = bodyAt(sound, keys >= PAGED_KEYS);
        for (int turn = 0; turn < 40; turn++) {
          byte[] image = sound.clone();
          int at = turn % 2 == 0 ? random.nextInt(bodyAt) : random.nextInt(bodyAt, image.length);
          image[at] ^= (byte) (1 << random.nextInt(8));
          requireRebuilt(files, image, keys, "byte " + at);
        }
        requireRebuilt(files, Arrays.copyOf(sound, sound.length - 1), keys, "cut");
        requireRebuilt(files, Arrays.copyOf(sound, sound.length + 1), keys, "longer");
        requireRebuilt(files, Arrays.copyOf(sound, sound.length + 4096), keys, "a page longer");
        requireRebuilt(files, Arrays.copyOf(sound, bodyAt), keys, "without its body");
      }
    });
  }

  private void requireRebuilt(Map<String, byte[]> files, byte[] image, int keys, String event) {
    Path directory = temporary.resolve("turned");
    Map<String, byte[]> changed = new TreeMap<>(files);
    changed.put("INDEX", image);
    StoreFiles.put(directory, changed);
    Options reading = OPTIONS.toBuilder().readOnly(true).build();
    try (KvStore store = KvStore.open(directory, reading)) {
      assertThat(store.recovery().indexSource()).as(event).isEqualTo(IndexSource.LOG);
      assertThat(store.recovery().filesIgnored()).as(event).anyMatch(f -> f.startsWith("INDEX"));
      assertThat(store.size()).as(event).isEqualTo(keys);
      for (int key = 0; key < keys; key += 97) {
        assertThat(store.get(key(key))).as(event).isEqualTo(key(key));
      }
    }
  }

  private interface Forgery {
    void apply(byte[] image, int bodyAt, SplittableRandom random);
  }

  /// The total of the entries stays what the header says.
  private static void moveEntries(byte[] image, SplittableRandom random) {
    ByteBuffer numbers = numbers(image);
    int from = shardsAt(image) + 8 * random.nextInt(SHARDS);
    int to = shardsAt(image) + 8 * random.nextInt(SHARDS);
    int moved = random.nextInt(numbers.getInt(from) + 1);
    numbers.putInt(from, numbers.getInt(from) - moved);
    numbers.putInt(to, numbers.getInt(to) + moved);
  }

  private static void fillWords(byte[] image, int from, int words, SplittableRandom random) {
    long[] patterns = {-1, 1, 0, 1L << 40, 0x7FL, random.nextLong(), random.nextLong()};
    long pattern = patterns[random.nextInt(patterns.length)];
    for (int at = from; at + 8 <= Math.min(image.length, from + 8 * words); at += 8) {
      numbers(image).putLong(at, pattern == 0x7FL ? random.nextLong() : pattern);
    }
  }

  @Test
  void imagesOfNonsenseWithGoodChecksumsEndEveryCall() {
    Forgery[] forgeries = {
      (image, bodyAt, random) -> moveEntries(image, random),
      (image, bodyAt, random) -> fillWords(image, bodyAt, (image.length - bodyAt) / 8, random),
      (image, bodyAt, random) -> {
        for (int i = 0; i < 20; i++) {
          int at = bodyAt + random.nextInt((image.length - bodyAt) / 8) * 8;
          fillWords(image, at, 1 + random.nextInt(600), random);
        }
      },
      (image, bodyAt, random) -> {
        // Numbers that are likely to overflow something, anywhere behind the segments.
        int[] overflowing = {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 0, 1, 1 << 20};
        int at = shardsAt(image) + 4 * random.nextInt(2 * SHARDS);
        numbers(image).putInt(at, overflowing[random.nextInt(overflowing.length)]);
      },
      (image, bodyAt, random) -> {
        long[] overflowing = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 0, 1, 1L << 32};
        int at = 32 + 8 * random.nextInt((shardsAt(image) - 32) / 8);
        if (at != 56) {
          numbers(image).putLong(at, overflowing[random.nextInt(overflowing.length)]);
        }
      },
    };
    Seed.fresh(random -> {
      for (int keys : new int[] {3000, PAGED_KEYS}) {
        Map<String, byte[]> files = store(keys);
        int bodyAt = bodyAt(files.get("INDEX"), keys >= PAGED_KEYS);
        for (int turn = 0; turn < 15; turn++) {
          byte[] image = files.get("INDEX").clone();
          forgeries[turn % forgeries.length].apply(image, bodyAt, random);
          makeSumsRight(image, bodyAt);
          Map<String, byte[]> changed = new TreeMap<>(files);
          changed.put("INDEX", image);
          Path directory = temporary.resolve("forged");
          StoreFiles.put(directory, changed);
          int number = turn;
          assertTimeoutPreemptively(MOST, () -> useAll(directory, keys), () -> "turn " + number);
        }
      }
    });
  }

  /// Images of nonsense may make the index count wrongly; the close then leaves no image, and no exception
  /// that is not the store's.
  @Test
  void anIndexThatCountsWronglyIsNotWrittenAsAnImage() {
    Map<String, byte[]> files = store(PAGED_KEYS);
    byte[] image = files.get("INDEX").clone();
    int bodyAt = bodyAt(image, true);
    for (int shard = 0; shard < SHARDS; shard++) {
      numbers(image).putInt(shardsAt(image) + 8 * shard, shard == 0 ? 1 : 0);
    }
    numbers(image).putLong(48, 1);
    makeSumsRight(image, bodyAt);
    files.put("INDEX", image);
    Path directory = temporary.resolve("miscounted");
    StoreFiles.put(directory, files);
    try (KvStore store = KvStore.open(directory, OPTIONS)) {
      assertThat(store.recovery().indexSource()).isEqualTo(IndexSource.IMAGE);
      store.put("one", "more"); // so that an image is due
    }
    try (KvStore store = KvStore.open(directory, OPTIONS)) {
      assertThat(store.size()).isEqualTo(PAGED_KEYS + 1);
    }
  }

  private static void useAll(Path directory, int keys) {
    tries(() -> StoreInspector.verify(directory, Progress.NONE));
    tries(() -> {
      try (KvStore store = KvStore.open(directory, OPTIONS)) {
        for (int i = 0; i < 40; i++) {
          int number = i * (keys / 40);
          tries(() -> store.get(key(number)));
          tries(() -> store.put(key(number), key(number)));
          tries(() -> store.delete(key(number + 1)));
          tries(() -> store.put(("new" + number).getBytes(StandardCharsets.US_ASCII), key(1)));
        }
        tries(() -> store.keys().limit(1000).forEach(key -> {}));
        tries(store::stats);
        tries(store::compact);
      }
    });
  }

  /// An exception of the store is an answer; anything else is none.
  private static void tries(Runnable call) {
    try {
      call.run();
    } catch (StoreException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }
}

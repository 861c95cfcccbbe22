package dev.kvstore.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.kvstore.DamagePolicy;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.StoreException;
import dev.kvstore.StoreInspector;
import dev.kvstore.Value;
import dev.kvstore.testkit.Seed;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Files full of nonsense: no call throws anything but an exception of the store, hangs, or tells a
/// value that was never written.
@Timeout(120)
class FuzzedFilesTest {
  private static final String OPEN_SEGMENT = "0000000007.seg";
  private static final int TURNS = 25;
  private static final Duration MOST = Duration.ofSeconds(20);
  private static final Logger LOGGER = Logger.getLogger("dev.kvstore");

  @TempDir private Path temporary;

  private Path directory;
  private Map<String, byte[]> files;
  private Level levelBefore;

  @BeforeEach
  void makeStore() {
    levelBefore = LOGGER.getLevel();
    LOGGER.setLevel(Level.OFF);
    directory = temporary.resolve("store");
    StoreFiles.write(directory);
    files = StoreFiles.read(directory);
  }

  @AfterEach
  void logAgain() {
    LOGGER.setLevel(levelBefore);
  }

  /// What is done to one file.
  private interface Mutator {
    byte[] mutate(byte[] bytes, SplittableRandom random);
  }

  private static final List<Mutator> MUTATORS =
      List.of(
          (bytes, random) -> {
            for (int i = 0; i <= random.nextInt(4); i++) {
              bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            }
            return bytes;
          },
          (bytes, random) -> {
            int at = random.nextInt(bytes.length);
            byte[] noise = new byte[Math.min(bytes.length - at, 1 + random.nextInt(64))];
            random.nextBytes(noise);
            System.arraycopy(noise, 0, bytes, at, noise.length);
            return bytes;
          },
          (bytes, random) -> {
            // A number that is likely to overflow something.
            long[] numbers = {-1, 0, 1, Long.MIN_VALUE, Long.MAX_VALUE, 0x7FFF_FFFFL, 1L << 32};
            int at = random.nextInt(Math.max(1, bytes.length / 8 - 1)) * 8;
            if (at + 8 <= bytes.length) {
              ByteBuffer.wrap(bytes)
                  .order(ByteOrder.LITTLE_ENDIAN)
                  .putLong(at, numbers[random.nextInt(numbers.length)]);
            }
            return bytes;
          },
          (bytes, random) -> java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length + 1)),
          (bytes, random) -> java.util.Arrays.copyOf(bytes, bytes.length + random.nextInt(9000)),
          (bytes, random) -> {
            int from = random.nextInt(bytes.length);
            java.util.Arrays.fill(
                bytes, from, from + random.nextInt(bytes.length - from), (byte) 0);
            return bytes;
          },
          (bytes, random) -> {
            byte[] noise = new byte[random.nextInt(3000)];
            random.nextBytes(noise);
            return noise;
          });

  private void fuzz(String suffix, boolean withChecksums) {
    Seed.fresh(random -> {
      List<String> names =
          new ArrayList<>(files.keySet().stream().filter(name -> name.endsWith(suffix)).toList());
      // What is cut off the open segment together with the mark behind it is like any torn tail.
      names.remove(OPEN_SEGMENT);
      for (int turn = 0; turn < TURNS; turn++) {
        Map<String, byte[]> changed = new TreeMap<>(files);
        String name = names.get(random.nextInt(names.size()));
        byte[] bytes =
            MUTATORS.get(random.nextInt(MUTATORS.size())).mutate(files.get(name).clone(), random);
        if (withChecksums) {
          repairChecksums(name, bytes);
        }
        changed.put(name, bytes);
        if (!name.equals("INDEX") && random.nextBoolean()) {
          changed.remove("INDEX");
        }
        StoreFiles.put(directory, changed);
        int number = turn;
        assertTimeoutPreemptively(MOST, () -> useAll(random), () -> name + ", turn " + number);
      }
    });
  }

  /// Makes the checksums right again, so that what is behind them is tried too.
  private static void repairChecksums(String name, byte[] bytes) {
    int at =
        switch (name) {
          case "INDEX" -> indexChecksumAt(bytes);
          default -> name.endsWith(".seg") ? 60 : bytes.length - 4;
        };
    if (at < 0 || at + 4 > bytes.length) {
      return;
    }
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, at);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(at, (int) crc.getValue());
  }

  private static int indexChecksumAt(byte[] bytes) {
    if (bytes.length < 64) {
      return -1;
    }
    long segments = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(56) & 0xFFFF_FFFFL;
    long at = 64 + segments * 32 + 1024 * 8;
    return at + 4 > bytes.length ? -1 : (int) at;
  }

  private void useAll(SplittableRandom random) {
    var contents = StoreFiles.contents();
    tries(() -> StoreInspector.verify(directory, Progress.NONE));
    tries(() -> {
      try (var records = StoreInspector.records(directory)) {
        records.forEach(info -> {});
      }
    });
    Path salvaged = temporary.resolve("salvaged" + random.nextLong(Long.MAX_VALUE));
    tries(() -> {
      StoreInspector.salvage(directory, salvaged, Progress.NONE);
    });
    Options rest =
        StoreFiles.OPTIONS.toBuilder().readOnly(true).damagePolicy(DamagePolicy.SERVE_REST).build();
    Options strict = StoreFiles.OPTIONS.toBuilder().readOnly(random.nextBoolean()).build();
    for (Options options : List.of(rest, strict)) {
      tries(() -> {
        try (KvStore store = StoreFiles.open(directory, options)) {
          boolean intact = store.recovery().damages().isEmpty();
          contents.forEach((key, value) -> {
            byte[] bytes = key.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
            tries(() -> {
              Value found = store.getValue(bytes).orElse(null);
              if (intact) {
                assertThat(found).as(key).isEqualTo(value);
              }
            });
          });
          tries(store::compact);
        }
      });
    }
  }

  /// An exception of the store is an answer; anything else is none.
  private static void tries(Runnable call) {
    try {
      call.run();
    } catch (StoreException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  @Test
  void segmentsOfNonsenseAreReportedAndNeverBelieved() {
    fuzz(".seg", false);
  }

  @Test
  void segmentHeadersOfNonsenseAreReportedAlsoWithGoodChecksums() {
    fuzz(".seg", true);
  }

  @Test
  void manifestsOfNonsenseAreReported() {
    fuzz("MANIFEST", false);
  }

  @Test
  void hintsOfNonsenseAreIgnored() {
    fuzz(".hint", false);
  }

  @Test
  void imagesOfNonsenseAreIgnored() {
    fuzz("INDEX", false);
  }
}

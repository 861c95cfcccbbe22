package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Bytes on the disk that are not what was written: each answer is right, or an error; never wrong,
/// never "there is nothing" without a report.
@Timeout(240)
class DamageTest {
  private static final Options REFUSE = Simulation.tiny(Durability.ALWAYS);
  private static final Options SERVE =
      REFUSE.toBuilder().damagePolicy(DamagePolicy.SERVE_REST).build();

  private static StoreModel model;
  private static DiskImage closed;
  private static DiskImage killed;

  @BeforeAll
  static void makeStores() {
    model = new StoreModel();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, REFUSE);
    ModelledStore modelled = new ModelledStore(store, model);
    SplittableRandom random = new SplittableRandom(11);
    for (int step = 0; step < 60; step++) {
      modelled.step(random);
    }
    killed = disk.image();
    store.close();
    closed = disk.image();
    disk.discard();
    assertThat(closed.files().keySet())
        .contains("MANIFEST", "INDEX")
        .anyMatch(name -> name.endsWith(".hint"))
        .filteredOn(name -> name.endsWith(".seg"))
        .hasSizeGreaterThan(2);
  }

  // ---- One byte; DamageMatrixTest turns over each byte of a smaller store

  @Test
  void someByteOfAClosedStoreTurnedOverIsHarmlessOrFound() {
    Seed.fresh(random -> flipEverywhere(closed, true, 5, random));
  }

  @Test
  void someByteOfAKilledStoreTurnedOverIsHarmlessOrFound() {
    Seed.fresh(random -> flipEverywhere(killed, false, 5, random));
  }

  @Tag("torture")
  @Test
  void anyByteOfAClosedOrKilledStoreTurnedOverIsHarmlessOrFound() {
    Seed.fresh(random -> {
      flipEverywhere(closed, true, 1, random);
      flipEverywhere(killed, false, 1, random);
    });
  }

  /// @param oneIn which part of the bytes is tried
  private static void flipEverywhere(
      DiskImage image, boolean wasClosed, int oneIn, SplittableRandom random) {
    for (Map.Entry<String, byte[]> file : image.files().entrySet()) {
      for (int offset = 0; offset < file.getValue().length; offset++) {
        if (isDull(file, offset, random) || random.nextInt(oneIn) != 0) {
          continue;
        }
        int mask = 1 << random.nextInt(8);
        DiskImage damaged = image.withFlipped(file.getKey(), offset, mask);
        String event = file.getKey() + " @ " + offset + " ^ " + mask;
        openDamaged(damaged, random.nextInt(4) == 0 ? SERVE : REFUSE, event, wasClosed);
      }
    }
  }

  /// The shard table of an image and the unused rest of a segment are long and all the same.
  private static boolean isDull(
      Map.Entry<String, byte[]> file, int offset, SplittableRandom random) {
    byte[] bytes = file.getValue();
    boolean zeros = true;
    for (int i = Math.max(0, offset - 8); i < Math.min(bytes.length, offset + 8); i++) {
      zeros &= bytes[i] == 0;
    }
    return zeros && random.nextInt(16) != 0;
  }

  private static void openDamaged(
      DiskImage damaged, Options options, String event, boolean wasClosed) {
    SimulatedDirectory disk = damaged.mount();
    try {
      boolean vital = event.contains(".seg") || event.startsWith("MANIFEST");
      // Whether the last write of a store that was killed was under way, only its own bytes can
      // tell.
      int mayLack = wasClosed ? 0 : 1;
      if (!isReported(disk, options, mayLack) && vital && wasClosed) {
        // Not read by this open, since the image of the index was enough: verify reads everything.
        VerifyReport report = StoreInspector.verify(disk.path(), Progress.NONE);
        assertThat(report.isIntact() && report.notes().isEmpty()).as("nobody tells").isFalse();
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(event + ", " + options.damagePolicy() + ": " + e, e);
    } finally {
      disk.discard();
    }
  }

  /// Opens, reads everything, and fails if any answer is wrong. Whether damage was reported.
  ///
  /// @param mayLack how many of the last writes may be gone without a word
  private static boolean isReported(SimulatedDirectory disk, Options options, int mayLack) {
    KvStore store;
    try {
      store = Simulation.open(disk, options);
    } catch (StoreCorruptionException | StoreVersionException e) {
      return true;
    }
    boolean reported = false;
    if (!store.recovery().damages().isEmpty()) {
      assertThat(options.damagePolicy()).isEqualTo(DamagePolicy.SERVE_REST);
      keys().forEach(key -> readAny(store, key));
      reported = true;
    } else {
      for (String key : keys()) {
        reported |= !isRight(store, key, mayLack);
      }
      reported |= !holdsAllBut(store, mayLack);
    }
    Simulation.abandon(store);
    return reported;
  }

  /// Damage was reported: what is asked for is there, or absent, or an error; and it is over quickly.
  private static void readAny(KvStore store, String key) {
    try {
      store.getValue(key);
    } catch (StoreCorruptionException e) {
      // Told again.
    }
  }

  private static boolean isRight(KvStore store, String key, int mayLack) {
    try {
      Value got = store.getValue(key).orElse(null);
      assertThat(model.allows(key, got, mayLack)).as(key + " is " + got).isTrue();
      return true;
    } catch (StoreCorruptionException e) {
      return false;
    }
  }

  private static boolean holdsAllBut(KvStore store, int mayLack) {
    try {
      model.copy().checkMayLack(store, mayLack);
      return true;
    } catch (StoreCorruptionException e) {
      return false;
    }
  }

  private static List<String> keys() {
    List<String> keys = new ArrayList<>(model.now().keySet());
    for (int i = 0; i < 28; i++) {
      keys.add("key-" + i);
    }
    return keys;
  }

  // ---- More than one byte

  @Test
  void anyFileCutAnywhereIsHarmlessOrFound() {
    Seed.fixed(
        3,
        random -> {
          for (DiskImage image : List.of(closed, killed)) {
            for (Map.Entry<String, byte[]> file : image.files().entrySet()) {
              int step = 1 + file.getValue().length / 300;
              for (int size = 0; size < file.getValue().length; size += step) {
                byte[] cut = Arrays.copyOf(file.getValue(), size);
                String event = file.getKey() + " cut to " + size;
                requireNothingWrongSilently(image.with(file.getKey(), cut), event, image == closed);
              }
            }
          }
        });
  }

  @Test
  void anyFileEmptiedLengthenedOrFilledWithGarbageIsHarmlessOrFound() {
    Seed.fixed(
        4,
        random -> {
          for (DiskImage image : List.of(closed, killed)) {
            for (Map.Entry<String, byte[]> file : image.files().entrySet()) {
              byte[] content = file.getValue();
              byte[] garbage = new byte[content.length];
              random.nextBytes(garbage);
              byte[] longer = Arrays.copyOf(content, content.length + 5000);
              byte[] longerStill = longer.clone();
              Arrays.fill(longerStill, content.length, longer.length, (byte) 0x5A);
              for (byte[] wrong :
                  List.of(new byte[0], new byte[content.length], garbage, longer, longerStill)) {
                requireNothingWrongSilently(
                    image.with(file.getKey(), wrong),
                    file.getKey() + " of " + wrong.length + " wrong bytes",
                    image == closed);
              }
            }
          }
        });
  }

  @Test
  void anyPageLostIsHarmlessOrFound() {
    Seed.fixed(
        5,
        random -> {
          for (DiskImage image : List.of(closed, killed)) {
            for (Map.Entry<String, byte[]> file : image.files().entrySet()) {
              for (int from = 0; from < file.getValue().length; from += 512) {
                byte[] lost = file.getValue().clone();
                Arrays.fill(lost, from, Math.min(lost.length, from + 512), (byte) 0);
                requireNothingWrongSilently(
                    image.with(file.getKey(), lost),
                    file.getKey() + " zeroed at " + from,
                    image == closed);
              }
            }
          }
        });
  }

  private static void requireNothingWrongSilently(
      DiskImage image, String event, boolean wasClosed) {
    SimulatedDirectory disk = image.mount();
    try {
      // The end of the log of a store that was killed may be gone with all that it said of itself.
      isReported(disk, REFUSE, wasClosed ? 0 : Integer.MAX_VALUE);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(event + ": " + e, e);
    } finally {
      disk.discard();
    }
  }
}

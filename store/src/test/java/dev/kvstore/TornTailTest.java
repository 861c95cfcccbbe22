package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.RecoveryReport.Outcome;
import dev.kvstore.engine.Workers;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedClock;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The end of the log after a crash: the last write cut, zeroed or scrambled from each of its bytes on.
@Timeout(120)
class TornTailTest {
  private static final Options OS = Simulation.tiny(Durability.OS);
  private static final String SEGMENT = "0000000001.seg";

  /// A store that was killed.
  ///
  /// @param before where its last write begins in the segment
  /// @param after where it ends
  private record Killed(DiskImage image, StoreModel before, int begin, int end, long lastSequence) {
    byte[] segment() {
      return image.files().get(SEGMENT).clone();
    }
  }

  private static Killed killed(Consumer<KvStore> lastWrite) {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    StoreModel model = new StoreModel();
    KvStore store = Simulation.open(disk, OS);
    ModelledStore modelled = new ModelledStore(store, model);
    SplittableRandom random = new SplittableRandom(3);
    modelled.put("first", Value.of("1"));
    while (end(store) < 1000) {
      modelled.put("key-" + random.nextInt(9), Value.of(random.nextLong()));
    }
    modelled.delete("first");
    StoreModel before = model.copy();
    int begin = end(store);
    lastWrite.accept(store);
    int end = end(store);
    assertThat(store.stats().segments()).hasSize(1);
    DiskImage image = disk.image();
    long lastSequence = store.lastSequence();
    Simulation.abandon(store);
    disk.discard();
    return new Killed(image, before, begin, end, lastSequence);
  }

  private static int end(KvStore store) {
    List<Stats.Segment> segments = store.stats().segments();
    return segments.isEmpty() ? 0 : (int) segments.getLast().bytes();
  }

  private static Killed killedAfterPut() {
    return killed(store -> store.put("last", "x".repeat(100)));
  }

  private static Killed killedAfterBatch() {
    WriteBatch batch =
        new WriteBatch()
            .put("key-1", "batch")
            .delete("key-2")
            .put("new", "batch")
            .put("key-1", "batch again")
            .delete("key-3");
    return killed(store -> store.write(batch));
  }

  /// Opens what a crash left; what it has must be exactly what was there before the last write. Then
  /// writes, crashes and opens again.
  private static void requireLastWriteGone(Killed killed, byte[] segment, String how) {
    requireLastWriteGone(killed, segment, how, false);
  }

  /// @param orWhole whether it may be there as a whole too
  private static void requireLastWriteGone(
      Killed killed, byte[] segment, String how, boolean orWhole) {
    StoreModel model = killed.before().copy();
    SimulatedDirectory disk = killed.image().with(SEGMENT, segment).mount();
    try {
      KvStore store = Simulation.open(disk, OS);
      if (orWhole && store.lastSequence() == killed.lastSequence()) {
        Simulation.abandon(store);
        return;
      }
      model.checkAfterKill(store);
      assertThat(store.getString("last")).isEmpty();
      assertThat(store.recovery().outcome()).isEqualTo(Outcome.RECOVERED);
      assertThat(store.recovery().damages()).isEmpty();
      new ModelledStore(store, model).put("last", Value.of("written again"));
      Simulation.abandon(store);
      KvStore again = Simulation.open(disk, OS);
      model.checkAfterKill(again);
      again.close();
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(how + ": " + e, e);
    } finally {
      disk.discard();
    }
  }

  private static void tear(Killed killed, String how, UnaryOperator<byte[]> tail) {
    for (int at = killed.begin(); at < killed.end(); at++) {
      byte[] segment = killed.segment();
      byte[] rest = Arrays.copyOfRange(segment, at, killed.end());
      if (allZero(rest)) {
        continue; // padding: the write is whole
      }
      byte[] left = tail.apply(rest);
      byte[] torn =
          Arrays.copyOf(segment, left.length < rest.length ? at + left.length : segment.length);
      System.arraycopy(left, 0, torn, at, left.length);
      requireLastWriteGone(killed, torn, how + " from byte " + (at - killed.begin()));
    }
  }

  private static boolean allZero(byte[] bytes) {
    for (byte b : bytes) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  private static byte[] garbage(byte[] rest, SplittableRandom random) {
    byte[] garbage = new byte[rest.length];
    random.nextBytes(garbage);
    garbage[0] = (byte) (rest[0] + 1 + random.nextInt(255)); // surely not what was there
    return garbage;
  }

  @Test
  void aWriteThatIsWholeIsThere() {
    Killed killed = killedAfterPut();
    SimulatedDirectory disk = killed.image().mount();
    KvStore store = Simulation.open(disk, OS);
    assertThat(store.getString("last")).contains("x".repeat(100));
    store.close();
    disk.discard();
  }

  @Test
  void aWriteCutAtAnyByteIsGoneAndNothingElse() {
    tear(killedAfterPut(), "cut", rest -> new byte[0]);
  }

  @Test
  void aWriteZeroedFromAnyByteIsGoneAndNothingElse() {
    tear(killedAfterPut(), "zeros", rest -> new byte[rest.length]);
  }

  @Test
  void aWriteScrambledFromAnyByteIsGoneAndNothingElse() {
    Seed.fresh(random -> tear(killedAfterPut(), "garbage", rest -> garbage(rest, random)));
  }

  @Test
  void aWriteWithAnyByteWrongIsGoneAndNothingElse() {
    turnOver(killedAfterPut());
  }

  @Test
  void aBatchWithAnyByteWrongIsGoneAsAWhole() {
    turnOver(killedAfterBatch());
  }

  /// A byte between two records belongs to none, so the write may be whole all the same.
  private static void turnOver(Killed killed) {
    for (int at = killed.begin(); at < killed.end(); at++) {
      byte[] wrong = killed.segment();
      boolean padding = wrong[at] == 0;
      wrong[at] ^= 0x41;
      requireLastWriteGone(killed, wrong, "wrong at " + (at - killed.begin()), padding);
    }
  }

  @Test
  void aBatchCutAtAnyByteIsGoneAsAWhole() {
    tear(killedAfterBatch(), "cut", rest -> new byte[0]);
  }

  @Test
  void aBatchZeroedFromAnyByteIsGoneAsAWhole() {
    tear(killedAfterBatch(), "zeros", rest -> new byte[rest.length]);
  }

  @Test
  void aBatchScrambledFromAnyByteIsGoneAsAWhole() {
    Seed.fresh(random -> tear(killedAfterBatch(), "garbage", rest -> garbage(rest, random)));
  }

  @Test
  void aBatchWithAnySectorLostIsGoneAsAWhole() {
    Killed killed = killed(store -> store.write(largeBatch()));
    for (int from = killed.begin(); from < killed.end() - 8; from += 97) {
      byte[] torn = killed.segment();
      Arrays.fill(torn, from, Math.min(killed.end() - 8, from + 97), (byte) 0);
      requireLastWriteGone(killed, torn, "zeros at " + from);
    }
  }

  private static WriteBatch largeBatch() {
    WriteBatch batch = new WriteBatch();
    for (int i = 0; i < 12; i++) {
      batch.put("batch-" + i, "y".repeat(100));
    }
    return batch;
  }

  @Test
  void zerosGarbageAndStrayRecordsBehindTheEndAreCut() {
    Seed.fresh(random -> {
      Killed killed = killedAfterPut();
      byte[] segment = killed.segment();
      byte[] whole = Arrays.copyOf(segment, killed.begin());
      for (int length : new int[] {1, 7, 8, 9, 100, 512, 4096, 70_000}) {
        requireLastWriteGone(
            killed, Arrays.copyOf(whole, whole.length + length), length + " zeros");
        byte[] garbage = new byte[length];
        random.nextBytes(garbage);
        requireLastWriteGone(killed, joined(whole, garbage), length + " B of garbage");
        byte[] stray = new byte[length];
        for (int at = 0; at < length; at += whole.length) {
          System.arraycopy(whole, 0, stray, at, Math.min(whole.length, length - at));
        }
        requireLastWriteGone(killed, joined(whole, stray), length + " B of the same file");
      }
    });
  }

  @Test
  void aRecordFromAnotherPlaceOfTheSameSegmentIsNotTakenForTheNext() {
    Killed killed = killedAfterPut();
    byte[] last = Arrays.copyOfRange(killed.segment(), killed.begin(), killed.end());
    byte[] moved = joined(Arrays.copyOf(killed.segment(), killed.begin()), new byte[8]);
    requireLastWriteGone(killed, joined(moved, last), "moved by 8 bytes");
  }

  @Test
  void whatWasCutIsReported() {
    Killed killed = killedAfterPut();
    byte[] torn = Arrays.copyOf(killed.segment(), killed.end() - 20);
    SimulatedDirectory disk = killed.image().with(SEGMENT, torn).mount();
    KvStore store = Simulation.open(disk, OS);
    assertThat(store.recovery().tailBytesCut()).isBetween(1L, (long) killed.end() - killed.begin());
    assertThat(store.recovery().tailReason()).isNotEmpty();
    store.close();
    disk.discard();
  }

  /// The rest of a segment whose room was not forced in advance, when a power loss has left anything
  /// there but zeros, and a write that was forced is in the segment behind it.
  @Test
  void garbageBehindAFullSegmentTakesNothingOfTheNext() {
    Seed.fresh(random -> {
      SimulatedDirectory disk = SimulatedDirectory.empty();
      StoreModel model = new StoreModel();
      KvStore store = Simulation.open(disk, OS, new SimulatedClock(), Workers.lagging());
      ModelledStore modelled = new ModelledStore(store, model);
      do {
        modelled.put("key-" + random.nextInt(9), Value.of(random.nextLong()));
      } while (store.stats().segments().getFirst().state() != Stats.State.SEALING);
      int end = (int) store.stats().segments().getFirst().bytes();
      DiskImage image = disk.image();
      Simulation.kill(store, disk);

      byte[] segment = image.files().get(SEGMENT).clone();
      byte[] garbage = garbage(new byte[segment.length - end], random);
      System.arraycopy(garbage, 0, segment, end, garbage.length);
      SimulatedDirectory after = image.with(SEGMENT, segment).mount();
      KvStore again = Simulation.open(after, OS);
      model.checkAfterKill(again);
      assertThat(again.recovery().damages()).isEmpty();
      again.close();
      after.discard();
    });
  }

  private static byte[] joined(byte[] first, byte[] second) {
    byte[] joined = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, joined, first.length, second.length);
    return joined;
  }

  @Test
  void aSealThatIsTornIsNoDamageAlsoBeforeASegmentThatWasPassedOver() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    Options options = Simulation.tiny(Durability.ALWAYS);
    KvStore store = Simulation.open(disk, options, new SimulatedClock(), Workers.lagging());
    while (!disk.image().files().containsKey("0000000002.seg")) {
      store.put("small", "value");
    }
    store.put("large", "x".repeat(6000)); // the segment made in advance is too small for it
    store.put("after", "value");
    DiskImage image = disk.image();
    Simulation.kill(store, disk);
    byte[] torn = image.files().get(SEGMENT).clone();
    int end = torn.length;
    while (torn[end - 1] == 0) {
      end--;
    }
    torn[(end + 7 & -8) + 32] = 1; // the seal's body comes before its header
    assertThat(image.files()).containsKey("0000000003.seg");
    SimulatedDirectory left = image.withStored(SEGMENT, torn).mount();
    KvStore again = Simulation.open(left, options);
    assertThat(again.size()).isEqualTo(3);
    assertThat(again.recovery().damages()).isEmpty();
    Simulation.kill(again, left);
  }
}

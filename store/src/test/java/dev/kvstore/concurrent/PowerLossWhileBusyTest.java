package dev.kvstore.concurrent;

import static dev.kvstore.concurrent.StandingKeys.key;
import static dev.kvstore.concurrent.StandingKeys.randomOf;
import static dev.kvstore.concurrent.StandingKeys.restless;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.Durability;
import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Mutation;
import dev.kvstore.Options;
import dev.kvstore.Value;
import dev.kvstore.WriteBatch;
import dev.kvstore.engine.Environment;
import dev.kvstore.engine.StoreEngine;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The power goes while several threads write the same keys, others force, seal and compact. Each write
/// tells its sequence, so what must be found is known to the letter: all writes up to some sequence, no
/// batch in half, and no fewer than were promised.
@Timeout(120)
class PowerLossWhileBusyTest {
  private static final int KEYS = 24;
  private static final int WRITERS = 3;
  private static final int IMAGES = 12;

  /// What the disk was at a moment, and the sequence up to which everything was promised before.
  private record Moment(DiskImage image, long promised) {}

  /// What was written, by its last sequence.
  private final NavigableMap<Long, List<Mutation>> done = new ConcurrentSkipListMap<>();

  private final AtomicLong acknowledged = new AtomicLong();

  /// Up to where calls of sync have promised everything.
  private final AtomicLong synced = new AtomicLong();

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatIsFoundIsAllThatWasWrittenUpToSomeSequence(boolean always) {
    Seed.fresh(random -> {
      SimulatedDirectory disk = SimulatedDirectory.empty();
      try {
        Options options =
            restless().toBuilder().durability(always ? Durability.ALWAYS : Durability.OS).build();
        int found = 0;
        for (Moment moment : moments(disk, options, always, random)) {
          for (PowerLoss mode : PowerLoss.values()) {
            DiskImage left = moment.image.afterPowerLoss(mode, random);
            found += requirePrefix(left, options, moment.promised, mode);
          }
        }
        assertThat(found).as("keys found after a power loss").isPositive();
      } finally {
        disk.discard();
      }
    });
  }

  private List<Moment> moments(
      SimulatedDirectory disk, Options options, boolean always, SplittableRandom random) {
    List<Moment> moments = new ArrayList<>();
    try (KvStore store = StoreEngine.open(disk.requireLock(), options, Environment.system());
        Crew crew = new Crew()) {
      for (int writer = 0; writer < WRITERS; writer++) {
        SplittableRandom own = randomOf(random.nextLong(), writer);
        String name = "writer " + writer;
        crew.untilStopped(name, () -> write(store, name, always, own));
      }
      crew.untilStopped("compactor", store::compact).begin();
      for (int i = 0; i < IMAGES; i++) {
        long next = acknowledged.get() + random.nextInt(20, 400);
        while (acknowledged.get() < next && crew.isWell()) {
          LockSupport.parkNanos(random.nextInt(100_000));
        }
        long promised =
            always ? acknowledged.get() : Math.max(synced.get(), store.durableSequence());
        moments.add(new Moment(disk.image(), promised));
      }
      crew.stop();
      assertThat(store.stats().compactions()).isPositive();
      assertThat(moments.getLast().promised).isPositive();
      if (!always) {
        assertThat(synced).as("up to where sync has promised").hasPositiveValue();
      }
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    return moments;
  }

  private void write(KvStore store, String name, boolean always, SplittableRandom random) {
    WriteBatch batch = new WriteBatch();
    for (int left = random.nextInt(4) == 0 ? 1 + random.nextInt(6) : 1; left > 0; left--) {
      byte[] key = key("k", random.nextInt(KEYS));
      if (random.nextInt(4) == 0) {
        batch.delete(key);
      } else {
        byte[] value = (name + ", " + random.nextLong()).getBytes(StandardCharsets.US_ASCII);
        batch.put(key, Arrays.copyOf(value, value.length + random.nextInt(600)));
      }
    }
    long sequence = store.write(batch);
    done.put(sequence, batch.mutations());
    acknowledged.accumulateAndGet(sequence, Math::max);
    if (!always && random.nextInt(50) == 0) {
      long before = store.lastSequence();
      synced.accumulateAndGet(Math.max(before, store.sync()), Math::max);
    }
  }

  /// @return how many keys there are
  private int requirePrefix(DiskImage left, Options options, long promised, PowerLoss mode) {
    SimulatedDirectory disk = left.mount();
    KvStore store = null;
    try {
      store = Simulation.open(disk, options);
      long last = store.lastSequence();
      assertThat(last)
          .as("%s: the last sequence, of which at least was promised", mode)
          .isGreaterThanOrEqualTo(promised);
      assertThat(store.recovery().damages()).isEmpty();
      Map<String, String> expected = new TreeMap<>();
      done.headMap(last, true)
          .values()
          .forEach(changes -> changes.forEach(c -> apply(c, expected)));
      Map.Entry<Long, List<Mutation>> next = done.higherEntry(last);
      if (next != null) {
        assertThat(next.getKey() - next.getValue().size())
            .as("%s: begin of the batch after the last sequence", mode)
            .isGreaterThanOrEqualTo(last);
      }
      Map<String, String> found = new TreeMap<>();
      try (Stream<Entry> entries = store.entries()) {
        entries.forEach(entry -> found.put(entry.keyText(), text(entry.value().toBytes())));
      }
      assertThat(found).as("%s, up to %d", mode, last).isEqualTo(expected);
      return found.size();
    } finally {
      Simulation.kill(store, disk);
    }
  }

  private static void apply(Mutation change, Map<String, String> state) {
    switch (change) {
      case Mutation.Put(byte[] key, Value value) -> state.put(text(key), text(value.toBytes()));
      case Mutation.Delete(byte[] key) -> state.remove(text(key));
    }
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }
}

package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.RecoveryReport;
import dev.kvstore.StoreInspector;
import dev.kvstore.StoreStartupException;
import dev.kvstore.testkit.Seed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A writer is killed at random moments, again and again on the same directory. After each kill: every
/// acknowledged write is there; the one under way is there as a whole or not at all; nothing else is.
class KilledWriterTest {
  private static final int ROUNDS = 10;
  private static final int KILL_MILLIS_MOST = 500;

  @TempDir private Path temporary;

  @ParameterizedTest(name = "segments of {0} B")
  @ValueSource(longs = {16 << 10, 1 << 20})
  @Timeout(180)
  void killedWriterLosesNothingThatWasAcknowledged(long segmentBytes) {
    Seed.fresh(random -> {
      Rounds rounds = new Rounds(temporary, random);
      for (int round = 0; round < ROUNDS; round++) {
        rounds.run(segmentBytes);
      }
      rounds.requireSomethingWasTested();
    });
  }

  @Test
  @Tag("torture")
  void killedWriterLosesNothingHoweverOften() {
    long minutes = Long.getLong("kvstore.torture.minutes", 1);
    long end = System.nanoTime() + Duration.ofMinutes(minutes).toNanos();
    for (int directory = 0; System.nanoTime() - end < 0; directory++) {
      Path path = temporary.resolve("d" + directory);
      Seed.fresh(random -> {
        Rounds rounds = new Rounds(path, random);
        for (int round = 0; round < 100 && System.nanoTime() - end < 0; round++) {
          rounds.run(random.nextBoolean() ? 16 << 10 : 1 << 20);
        }
      });
    }
  }

  /// The history of one directory.
  private static final class Rounds {
    private final Path directory;
    private final Path journals;
    private final SplittableRandom random;
    private final Map<String, byte[]> model = new HashMap<>();
    private int round;
    private long acknowledged;

    Rounds(Path temporary, SplittableRandom random) {
      this.directory = temporary.resolve("store");
      this.journals = temporary.resolve("journals");
      this.random = random;
      try {
        Files.createDirectories(journals);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    void run(long segmentBytes) {
      BusyWriter.Plan plan = BusyWriter.Plan.random(random, segmentBytes);
      Path journal = journals.resolve("j" + round);
      boolean early = random.nextInt(3) == 0; // perhaps before or during its first open
      int millis = random.nextInt(KILL_MILLIS_MOST);
      try (ChildJvm writer = BusyWriter.start(plan, directory, journal, (round + 1) * 1_000_000L)) {
        if (!early) {
          writer.awaitSaid(BusyWriter.OPEN);
        }
        writer.killAfter(millis);
      }
      try {
        check(plan, journal);
      } catch (Throwable e) {
        throw new AssertionError(
            "round "
                + round
                + (early ? ", killed early, " : ", killed after ")
                + millis
                + " ms, "
                + plan
                + ", in "
                + directory,
            e);
      }
      round++;
    }

    private void check(BusyWriter.Plan plan, Path journal) {
      Map<Integer, Map<String, Optional<byte[]>>> pending = new HashMap<>();
      for (int thread = 0; thread < plan.threads(); thread++) {
        Journal.Done done = Journal.read(BusyWriter.journalOf(journal, thread));
        done.acknowledged().forEach(this::apply);
        acknowledged += done.acknowledged().size();
        int number = thread;
        done.pending().ifPresent(changes -> pending.put(number, changes));
      }
      Options readOnly = Options.builder().readOnly(true).build();
      try (KvStore store = KvStore.open(directory, readOnly)) {
        // Each batch is settled by what this open shows; all later ones must show the same.
        pending.values().forEach(changes -> settle(store, changes));
        assertHolds(store);
      } catch (StoreStartupException e) {
        assertThat(model).as("there is no store, so nothing was acknowledged: " + e).isEmpty();
        assertThat(pending).isEmpty();
      }
      if (random.nextInt(4) == 0) {
        return; // the next writer recovers
      }
      if (random.nextInt(3) == 0) {
        removeWhatCanBeRebuilt();
      }
      Options manual = Options.builder().compaction(CompactionPolicy.manual()).build();
      try (KvStore store = KvStore.open(directory, manual)) {
        assertHolds(store);
        assertThat(store.recovery().outcome()).isNotEqualTo(RecoveryReport.Outcome.DAMAGED);
        if (random.nextInt(3) == 0) {
          store.compact();
          assertHolds(store);
        }
      }
      var report = StoreInspector.verify(directory, Progress.NONE);
      assertThat(report.damages()).isEmpty();
      assertThat(report.isIntact()).isTrue();
      assertThat(report.keys()).isEqualTo(model.size());
    }

    private void apply(Map<String, Optional<byte[]>> changes) {
      changes.forEach((key, value) ->
          value.ifPresentOrElse(bytes -> model.put(key, bytes), () -> model.remove(key)));
    }

    /// The write that was under way: as a whole or not at all.
    private void settle(KvStore store, Map<String, Optional<byte[]>> changes) {
      boolean before = true;
      boolean after = true;
      for (var change : changes.entrySet()) {
        byte[] found = store.get(change.getKey().getBytes(StandardCharsets.US_ASCII));
        before &= Arrays.equals(found, model.get(change.getKey()));
        after &= Arrays.equals(found, change.getValue().orElse(null));
      }
      assertThat(before || after)
          .as("the write under way is there as a whole or not at all: " + changes.keySet())
          .isTrue();
      if (after) {
        apply(changes);
      }
    }

    private void assertHolds(KvStore store) {
      try (Stream<byte[]> keys = store.keys()) {
        assertThat(keys.map(key -> new String(key, StandardCharsets.US_ASCII)))
            .containsExactlyInAnyOrderElementsOf(model.keySet());
      }
      assertThat(store.size()).isEqualTo(model.size());
      model.forEach((key, value) ->
          assertThat(store.get(key.getBytes(StandardCharsets.US_ASCII))).as(key).isEqualTo(value));
    }

    private void removeWhatCanBeRebuilt() {
      if (Files.notExists(directory)) {
        return; // killed before it made the store
      }
      try (Stream<Path> files = Files.list(directory)) {
        for (Path file : files.toList()) {
          String name = file.getFileName().toString();
          if (name.equals("INDEX") || (name.endsWith(".hint") && random.nextBoolean())) {
            Files.delete(file);
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    void requireSomethingWasTested() {
      assertThat(acknowledged).as("writes that were acknowledged").isGreaterThan(100);
    }
  }
}

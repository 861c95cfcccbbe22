package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CrashingLife.Care;
import dev.kvstore.testkit.CrashStates;
import dev.kvstore.testkit.Happening;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.Simulation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Crashes at every single call to the disk, of a store at work and of one that is being opened: see
/// [CrashingLife].
class CrashTest {
  private static final List<String> DURABILITIES = List.of("ALWAYS", "EVERY", "OS");
  private static final int STATES_LEAST = 5_000;
  private static final int LIVES_MOST = 10;
  private static final int STATES_LEAST_OF_TORTURE = 100_000;
  private static final Duration TORTURE_MOST = Duration.ofMinutes(45);

  private static final CrashStates ALL = new CrashStates();
  private static final Set<String> TRIED = new HashSet<>();

  private static Durability durability(String name) {
    return switch (name) {
      case "ALWAYS" -> Durability.ALWAYS;
      case "EVERY" -> Durability.every(Duration.ofMillis(1));
      default -> Durability.OS;
    };
  }

  /// The number of states is what the word "proven" rests on, so it must not shrink unseen.
  @AfterAll
  static void countStates() {
    System.out.println("CrashTest: crash states: " + ALL);
    if (TRIED.size() > DURABILITIES.size() && !Seed.isReplay()) {
      assertThat(ALL.distinct()).as("distinct crash states").isGreaterThanOrEqualTo(STATES_LEAST);
      requireEverything(ALL);
    }
  }

  private static void requireEverything(CrashStates states) {
    assertThat(states.happenings()).containsExactlyInAnyOrder(Happening.values());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ALWAYS", "EVERY", "OS"})
  @Timeout(300)
  void aCrashAtAnyCallKeepsWhatWasPromised(String durability) {
    CrashStates states = new CrashStates();
    Seed.fixed(
        durability.hashCode(),
        random -> {
          for (int life = 0; life < 2 || isSomethingMissing(life, states); life++) {
            Options options = Simulation.tiny(durability(durability));
            new CrashingLife(options, Care.A_CHOICE, states, random).live(4, 12);
          }
        });
    System.out.println("CrashTest: " + durability + ": " + states);
    ALL.addAll(states);
    TRIED.add(durability);
  }

  /// What the seeds of before led to may not happen any more when the engine makes other calls: then the
  /// last durability gets more lives.
  private static boolean isSomethingMissing(int life, CrashStates states) {
    if (Seed.isReplay()) {
      return life < LIVES_MOST; // the life that failed may be any
    }
    Set<Happening> happened = new HashSet<>(ALL.happenings());
    happened.addAll(states.happenings());
    boolean last = TRIED.size() >= DURABILITIES.size() - 1;
    return last && life < LIVES_MOST && happened.size() < Happening.values().length;
  }

  @Test
  @Timeout(120)
  void aCrashAtAnyCallOfAnOpenAfterACrashLosesNothing() {
    CrashStates states = new CrashStates();
    Seed.fixed(
        1,
        random -> {
          for (String durability : DURABILITIES) {
            Options options = Simulation.tiny(durability(durability));
            new CrashingLife(options, Care.A_CHOICE, states, random)
                .liveAndCrashInTheNextOpen(10 + random.nextInt(40));
          }
        });
    System.out.println("CrashTest: crashes in open: " + states);
    assertThat(states.distinct()).isGreaterThan(200);
    ALL.addAll(states);
    TRIED.add("in open");
  }

  /// Half of the time of the torture, and until there are enough states: a busy machine takes longer.
  @Test
  @Tag("torture")
  @Timeout(24 * 3600)
  void aCrashAtAnyCallOfManyLivesKeepsWhatWasPromised() throws Exception {
    Duration time = Duration.ofMinutes(Long.getLong("kvstore.torture.minutes", 10)).dividedBy(2);
    long start = System.nanoTime();
    CrashStates states = new CrashStates();
    Seed seed = Seed.here();
    int threads = Seed.isReplay() ? 1 : Runtime.getRuntime().availableProcessors();
    try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> ends = new ArrayList<>();
      for (int thread = 0; thread < threads; thread++) {
        ends.add(executor.submit(() -> liveOn(start, time, seed, states)));
      }
      for (Future<?> each : ends) {
        each.get();
      }
    }
    System.out.println("CrashTest: torture: crash states: " + states);
    if (!Seed.isReplay()) {
      assertThat(states.distinct()).isGreaterThanOrEqualTo(STATES_LEAST_OF_TORTURE);
      requireEverything(states);
    }
  }

  private static void liveOn(long start, Duration time, Seed seed, CrashStates states) {
    do {
      long fresh = System.nanoTime();
      System.out.println("CrashTest: " + states.distinct() + " states so far; seed " + fresh);
      seed.run(
          fresh,
          random -> {
            Care care = random.nextInt(3) == 0 ? Care.ALL : Care.A_CHOICE;
            new CrashingLife(options(random), care, states, random).live(3, 12);
          });
    } while (!Seed.isReplay()
        && isToGoOn(Duration.ofNanos(System.nanoTime() - start), time, states));
  }

  private static boolean isToGoOn(Duration lived, Duration time, CrashStates states) {
    boolean enough =
        states.distinct() >= STATES_LEAST_OF_TORTURE
            && states.happenings().size() == Happening.values().length;
    return lived.compareTo(time) < 0 || (!enough && lived.compareTo(TORTURE_MOST) < 0);
  }

  private static Options options(SplittableRandom random) {
    String durability = DURABILITIES.get(random.nextInt(DURABILITIES.size()));
    return Simulation.tiny(durability(durability)).toBuilder()
        .segmentBytesMax(random.nextBoolean() ? 4 << 10 : random.nextInt(4 << 10, 20 << 10))
        .compaction(
            random.nextInt(4) == 0
                ? CompactionPolicy.manual()
                : CompactionPolicy.automatic(
                    random.nextDouble(0.05, 0.9), random.nextInt(20 << 10)))
        .build();
  }
}

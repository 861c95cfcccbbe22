package dev.kvstore.testkit;

import java.util.SplittableRandom;
import java.util.function.Consumer;

/// Where the randomness of a test comes from. A failure names the seed; `-Dkvstore.seed=N` plays it
/// again.
public final class Seed {
  private static final String PROPERTY = "kvstore.seed";

  private Seed() {}

  /// Runs something with randomness that is new each time.
  public static void fresh(Consumer<SplittableRandom> test) {
    with(System.nanoTime(), test);
  }

  /// Runs something with the same randomness each time.
  public static void fixed(long seed, Consumer<SplittableRandom> test) {
    with(seed, test);
  }

  private static void with(long usual, Consumer<SplittableRandom> test) {
    long seed = Long.getLong(PROPERTY, usual);
    try {
      test.accept(new SplittableRandom(seed));
    } catch (Throwable e) {
      throw new AssertionError(
          e.getMessage() + "\nreplay this test with -D" + PROPERTY + "=" + seed, e);
    }
  }
}

package dev.kvstore.lincheck;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.StressOptions;

/// How many histories are tried: few in `make test`, many in `make torture`.
///
/// @param scenarios of calls that are made up
/// @param runs of each
public record Effort(int scenarios, int runs) {
  /// Per minute of `make torture`, roughly.
  public Effort times(int minutes) {
    return new Effort(scenarios * Math.max(1, minutes), runs);
  }

  public StressOptions stress() {
    return new StressOptions()
        .iterations(scenarios)
        .invocationsPerIteration(runs)
        .threads(3)
        .actorsPerThread(4)
        .actorsBefore(3)
        .actorsAfter(3);
  }

  /// Two threads and few calls: the schedules of more are too many to come to the interesting ones.
  public ModelCheckingOptions modelChecking() {
    return new ModelCheckingOptions()
        .iterations(scenarios)
        .invocationsPerIteration(runs)
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(2)
        .actorsAfter(2);
  }

  /// What `make torture TORTURE_MINUTES=n` asks for.
  public static int minutes() {
    return Integer.getInteger("kvstore.torture.minutes", 10);
  }
}

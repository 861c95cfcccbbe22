package dev.kvstore.bench;

import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.DoubleStream;

/// A number as it came out in each round.
record Series(Map<Integer, Double> byRound) {
  static final Series NONE = new Series(Map.of());

  boolean isEmpty() {
    return byRound.isEmpty();
  }

  /// Empty if there is no number.
  OptionalDouble median() {
    double[] sorted = sorted().toArray();
    int middle = sorted.length / 2;
    if (sorted.length == 0) {
      return OptionalDouble.empty();
    }
    return OptionalDouble.of(
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2);
  }

  OptionalDouble least() {
    return sorted().findFirst();
  }

  OptionalDouble most() {
    return sorted().max();
  }

  private DoubleStream sorted() {
    return byRound.values().stream().mapToDouble(Double::doubleValue).sorted();
  }

  /// How many times better this is than another, in each round that both have. Two runs of the same
  /// minutes are more alike than two medians, so the median of this is the ratio to quote.
  Series timesBetter(Series other, Unit unit) {
    Map<Integer, Double> ratios = new TreeMap<>();
    byRound.forEach((round, value) -> {
      Double theirs = other.byRound.get(round);
      double ratio = theirs == null ? Double.NaN : unit.timesBetter(value, theirs);
      if (Double.isFinite(ratio)) { // not where one of them is 0
        ratios.put(round, ratio);
      }
    });
    return new Series(ratios);
  }
}

package dev.kvstore.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/// A goal, and what was measured of it.
///
/// @param goal in words
/// @param measured the ratio or the number that decides; empty if something for it is missing
/// @param reached whether it is enough
record Verdict(String goal, OptionalDouble measured, boolean reached) {
  static Verdict of(Results results, Data scale, Row row, Metric metric, Goal goal) {
    Series ours = results.ours(scale, row, metric);
    return switch (goal) {
      case Goal.Best(double times) ->
          ratio(
              times,
              "best",
              ours,
              results
                  .best(scale, row, metric)
                  .map(peer -> results.series(scale, row.name(), peer.word(), metric.key())),
              metric.unit());
      case Goal.Other(String peer, double times) ->
          ratio(
              times,
              title(peer),
              ours,
              Optional.of(results.series(scale, row.name(), peer, metric.key())),
              metric.unit());
      case Goal.Row(String other, String key, double times, String words) ->
          ratio(
              times,
              words,
              ours,
              Optional.of(
                  results.ours(scale, Rows.named(other), Metric.of(key, "", metric.unit()))),
              metric.unit());
      case Goal.BestOf(String other, double times, String words) ->
          ratio(
              times,
              words,
              ours,
              results
                  .best(scale, Rows.named(other), metric)
                  .map(peer -> results.series(scale, other, peer.word(), metric.key())),
              metric.unit());
      case Goal.AtLeast(double value) -> {
        OptionalDouble median = ours.median();
        yield new Verdict(
            "at least " + metric.unit().text(value),
            median,
            median.isPresent() && median.getAsDouble() >= value);
      }
      case Goal.AtMost(double value) -> {
        OptionalDouble median = ours.median();
        yield new Verdict(
            "at most " + metric.unit().text(value),
            median,
            median.isPresent() && median.getAsDouble() <= value);
      }
    };
  }

  private static Verdict ratio(
      double times, String words, Series ours, Optional<Series> theirs, Unit unit) {
    OptionalDouble median = ours.timesBetter(theirs.orElse(Series.NONE), unit).median();
    return new Verdict(
        String.format(Locale.ROOT, "%.1f x %s", times, words),
        median,
        median.isPresent() && median.getAsDouble() >= times);
  }

  private static String title(String word) {
    return Arrays.stream(PeerKind.values())
        .filter(peer -> peer.word().equals(word))
        .map(PeerKind::title)
        .findFirst()
        .orElse(word);
  }

  /// "yes", "no" or, if it was not measured, "-".
  String answer() {
    return measured.isEmpty() ? "-" : reached ? "yes" : "no";
  }
}

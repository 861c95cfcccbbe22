package dev.kvstore.bench;

import java.util.List;

/// A number of a row that goes into the tables.
///
/// @param key under which the work reported it
/// @param title what it is, behind the title of the row; empty if the row has one number only
/// @param goals what it should come to
record Metric(String key, String title, Unit unit, List<Goal> goals) {
  /// The operations per second of a row.
  static Metric rate(Goal... goals) {
    return new Metric("rate", "", Unit.PER_SECOND, List.of(goals));
  }

  static Metric of(String key, String title, Unit unit, Goal... goals) {
    return new Metric(key, title, unit, List.of(goals));
  }
}

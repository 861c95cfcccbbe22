package dev.kvstore.bench;

import java.util.List;

/// A number of a row that goes into the tables.
///
/// @param key under which the work reported it
/// @param title what it is, behind the title of the row; empty if the row has one number only
/// @param compared whether the numbers of different stores mean the same
/// @param goals what it should come to
record Metric(String key, String title, Unit unit, boolean compared, List<Goal> goals) {
  /// The operations per second of a row.
  static Metric rate(Goal... goals) {
    return of("rate", "", Unit.PER_SECOND, goals);
  }

  static Metric of(String key, String title, Unit unit, Goal... goals) {
    return new Metric(key, title, unit, true, List.of(goals));
  }

  /// The same, for a number that each store counts in its own way.
  Metric notCompared() {
    return new Metric(key, title, unit, false, goals);
  }
}

package dev.kvstore.bench;

/// What a number of this store should come to, compared with what was measured in the same run.
/// [Verdict] says whether it does.
sealed interface Goal {
  /// So many times better than the best durable peer in the same row.
  record Best(double times) implements Goal {}

  /// So many times better than one peer, by the word that names it on the command line.
  record Other(String peer, double times) implements Goal {}

  /// So many times the number of another row of this store, or of the machine itself.
  ///
  /// @param row the name of that row
  /// @param metric under which that row reported it
  /// @param words what that is
  record Row(String row, String metric, double times, String words) implements Goal {}

  /// At least so many times better than the best durable peer does another row.
  record BestOf(String row, double times, String words) implements Goal {}

  /// This much or more.
  record AtLeast(double value) implements Goal {}

  /// This much or less.
  record AtMost(double value) implements Goal {}
}

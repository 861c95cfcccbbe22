package dev.kvstore.bench;

import java.util.Set;

/// One thing to measure. Runs once in a JVM of its own.
interface Work {
  /// @throws AssertionError if a value is not what was put
  void run(Stage stage) throws Exception;

  /// What a store must promise to take part.
  default Set<Promise> needs() {
    return Set.of();
  }
}

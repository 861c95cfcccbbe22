package dev.kvstore.bench;

/// One thing to measure. Runs once in a JVM of its own.
interface Work {
  /// @throws AssertionError if a value is not what was put
  void run(Stage stage) throws Exception;
}

package dev.kvstore;

/// Is told how far a long piece of work has come. Called from the thread that does the work, often
/// enough for a progress bar; must return quickly.
@FunctionalInterface
public interface Progress {
  /// @param doneBytes bytes dealt with so far
  /// @param totalBytes bytes there are in all
  void at(long doneBytes, long totalBytes);

  /// Tells nobody.
  Progress NONE = (doneBytes, totalBytes) -> {};
}

package dev.kvstore.torture;

import java.util.List;

/// The store did not keep a promise.
final class LossException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<String> problems;

  LossException(List<String> problems) {
    super(String.join("\n", problems));
    this.problems = List.copyOf(problems);
  }

  LossException(String problem, Throwable cause) {
    super(problem, cause);
    this.problems = List.of(problem);
  }

  /// One line each; the first is enough to know.
  List<String> problems() {
    return problems;
  }
}

package dev.kvstore.cli;

/// What the command tells the program that started it. Part of the contract: never renumber.
final class ExitCode {
  /// Done as asked.
  static final int DONE = 0;

  /// The key is not there, or the condition of `setnx` and `cas` does not hold.
  static final int NOT_FOUND = 1;

  /// The arguments or the input cannot be used as they are.
  static final int USAGE = 2;

  /// The store, or the system below it, failed or refused.
  static final int STORE_ERROR = 3;

  /// Ended by Ctrl-C: 128 and the number of the signal, as shells have it.
  static final int INTERRUPTED = 130;

  /// Nobody reads our output any more: 128 and the number of the signal, as shells have it.
  static final int BROKEN_PIPE = 141;

  private ExitCode() {}
}

package dev.kvstore.cli;

/// Runs command lines and turns whatever happens into an exit code. Never throws.
///
/// Plain lines are understood by [PlainLine], all others by [Parser].
final class Runner {
  private final Streams streams;
  private final Interrupts interrupts;
  private final StoreAccess access;

  Runner(Streams streams, Interrupts interrupts, StoreAccess access) {
    this.streams = streams;
    this.interrupts = interrupts;
    this.access = access;
  }

  /// Runs one command line, without the name of the command.
  ///
  /// @return the exit code, see [ExitCode]
  int run(String... args) {
    int code;
    try {
      Kvstore command = new Kvstore(streams, interrupts, access);
      Object plain = PlainLine.parse(args, command);
      if (plain == null) {
        code = new Parser(streams, interrupts, access).run(args);
      } else {
        Verb verb = (Verb) plain;
        verb.attach(command);
        code = verb.run();
      }
    } catch (Throwable e) {
      code = interrupts.fired() ? ExitCode.INTERRUPTED : Failures.report(e, streams);
    }
    try {
      streams.out().flush();
      return code;
    } catch (OutputException e) {
      return code == ExitCode.DONE ? Failures.report(e, streams) : code;
    }
  }
}

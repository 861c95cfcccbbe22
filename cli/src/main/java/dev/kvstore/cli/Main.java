package dev.kvstore.cli;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.Map;

/// The entry point of the `kvstore` command.
public final class Main {
  private Main() {}

  /// Runs one command line and ends the JVM with its exit code.
  public static void main(String[] args) {
    Interrupts interrupts = Interrupts.ofProcess();
    int code = run(args, Streams.ofProcess(), interrupts, true);
    if (interrupts.fired()) {
      return; // The JVM is ending with the signal's own exit code.
    }
    // An exit opens every jar, to look for a logger that wants to know of it. To return instead,
    // all threads must have ended or be daemons, as those of the store are.
    if (code != ExitCode.DONE) {
      System.exit(code);
    }
  }

  /// Runs one command line inside this JVM; neither terminals nor signals are looked at.
  ///
  /// @return the exit code, see [ExitCode]
  public static int run(
      String[] args, InputStream in, OutputStream out, OutputStream err, Map<String, String> env) {
    return run(args, Streams.of(in, out, err, env), new Interrupts(), false);
  }

  static int run(String[] args, Streams streams, Interrupts interrupts, boolean ownsProcess) {
    try (StoreAccess access = StoreAccess.oneShot()) {
      String[] exact = ownsProcess ? ProcessArguments.exact(args) : args;
      return new Runner(streams, interrupts, access).run(exact);
    } catch (BadInputException e) {
      return Failures.report(e, streams);
    }
  }
}

package dev.kvstore.cli;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// What a command is given by whoever started it: three streams and the environment.
final class Streams {
  private final InputStream in;
  private final Output out;
  private final PrintStream err;
  private final Map<String, String> env;
  private final boolean ofProcess;

  private Streams(
      InputStream in, Output out, PrintStream err, Map<String, String> env, boolean ofProcess) {
    this.in = in;
    this.out = out;
    this.err = err;
    this.env = env;
    this.ofProcess = ofProcess;
  }

  /// Those of this process.
  static Streams ofProcess() {
    return new Streams(
        new FileInputStream(FileDescriptor.in),
        new Output(new FileOutputStream(FileDescriptor.out)),
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
        System.getenv(),
        true);
  }

  /// Given ones, none of which counts as a terminal.
  static Streams of(InputStream in, OutputStream out, OutputStream err, Map<String, String> env) {
    return new Streams(
        in, new Output(out), new PrintStream(err, true, StandardCharsets.UTF_8), env, false);
  }

  InputStream in() {
    return in;
  }

  Output out() {
    return out;
  }

  PrintStream err() {
    return err;
  }

  /// A variable of the environment; empty text if it is not set.
  String env(String name) {
    String value = env.get(name);
    return value == null ? "" : value;
  }

  /// Whether a person types what we read.
  boolean inIsTerminal() {
    return ofProcess && isTerminal(0);
  }

  /// Whether a person sees the results.
  boolean outIsTerminal() {
    return ofProcess && isTerminal(1);
  }

  /// Whether a person sees messages and progress.
  boolean errIsTerminal() {
    return ofProcess && isTerminal(2);
  }

  /// Asks the kernel what is behind a descriptor, which is cheaper than a terminal library. Where
  /// it cannot be asked, the JDK's opinion about the whole process has to do.
  @SuppressWarnings("SystemConsoleNull") // Null where the JDK has no module with a console.
  private static boolean isTerminal(int descriptor) {
    Path link = Path.of("/proc/self/fd/" + descriptor);
    try {
      String target = Files.readSymbolicLink(link).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException | UnsupportedOperationException e) {
      Console console = System.console();
      return console != null && console.isTerminal();
    }
  }
}

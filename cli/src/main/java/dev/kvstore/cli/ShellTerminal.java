package dev.kvstore.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.function.ToIntFunction;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.completer.AggregateCompleter;
import org.jline.reader.impl.completer.StringsCompleter;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;
import picocli.shell.jline3.PicocliJLineCompleter;

/// The shell as a person sees it: a prompt, history, completion. The only class that knows the
/// terminal library.
final class ShellTerminal {
  private static final int HISTORY_LINES_MAX = 10_000;

  private ShellTerminal() {}

  /// Reads lines until the person has enough.
  ///
  /// @param execute runs a line and returns its exit code, or [ShellVerb#EXIT]
  /// @return the exit code of the shell
  static int run(ToIntFunction<String> execute, Parser parser, Streams streams, Path directory)
      throws IOException {
    try (Terminal terminal = TerminalBuilder.builder().name("kvstore").system(true).build()) {
      LineReader reader = reader(terminal, parser, history(streams));
      streams.err().println("kvstore " + Version.number() + ", store " + directory);
      streams.err().println("'help' lists the commands, 'exit' or Ctrl-D ends.");
      int last = ExitCode.DONE;
      while (true) {
        try {
          int code = execute.applyAsInt(reader.readLine("kvstore> "));
          if (code == ShellVerb.EXIT) {
            return last;
          }
          last = code == ExitCode.DONE ? last : code;
        } catch (UserInterruptException e) {
          // Ctrl-C at the prompt drops the line, as in other shells.
        } catch (EndOfFileException e) {
          return last;
        }
      }
    }
  }

  private static LineReader reader(Terminal terminal, Parser parser, @Nullable Path history) {
    LineReaderBuilder builder =
        LineReaderBuilder.builder()
            .appName("kvstore")
            .terminal(terminal)
            .completer(
                new AggregateCompleter(
                    new StringsCompleter("exit"),
                    new PicocliJLineCompleter(parser.full().getCommandSpec())))
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
            .variable(LineReader.HISTORY_FILE_SIZE, HISTORY_LINES_MAX);
    if (history != null) {
      builder.variable(LineReader.HISTORY_FILE, history);
    }
    return builder.build();
  }

  /// The file of the history, readable for nobody else; null if there can be none.
  private static @Nullable Path history(Streams streams) {
    String state = streams.env("XDG_STATE_HOME");
    String home = streams.env("HOME");
    if (state.isEmpty() && home.isEmpty()) {
      return null;
    }
    Path file =
        state.isEmpty() ? Path.of(home, ".kvstore_history") : Path.of(state, "kvstore", "history");
    try {
      if (file.getParent() != null) {
        Files.createDirectories(file.getParent());
      }
      if (!Files.exists(file)) {
        Files.createFile(
            file,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      }
      return file;
    } catch (IOException | UnsupportedOperationException e) {
      return null;
    }
  }
}

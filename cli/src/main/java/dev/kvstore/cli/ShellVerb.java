package dev.kvstore.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `shell`: many commands, one open store.
@Command(
    name = "shell",
    description = {
      "Reads commands from the terminal or from a pipe.",
      "The store is opened once, by the first command that needs it.",
    },
    footer = {
      "The commands are the verbs of kvstore without its name, quoted as in a Unix shell; '#'"
          + " begins a comment, 'exit' ends the shell. On a terminal there are history and"
          + " completion.",
      "A command that fails does not end the shell; the exit code is that of the last one that"
          + " failed, 0 if none did.",
      "The history is in $XDG_STATE_HOME/kvstore/history if that variable is set, else in"
          + " ~/.kvstore_history.",
    })
final class ShellVerb extends Verb {
  @Option(names = "--read-only", description = "Open the store for reading only.")
  private boolean readOnly;

  @Override
  int run() throws IOException {
    try (StoreAccess access = StoreAccess.ofShell(directory(), kvstore().options(), readOnly);
        Interrupts.Registration _ = kvstore().interrupts().onInterrupt(access::close)) {
      Runner runner = new Runner(streams(), kvstore().interrupts(), access);
      if (streams().inIsTerminal() && streams().outIsTerminal()) {
        Parser parser = new Parser(streams(), kvstore().interrupts(), access);
        return ShellTerminal.run(line -> execute(runner, line), parser, streams(), directory());
      }
      return readPipe(runner);
    }
  }

  private int readPipe(Runner runner) throws IOException {
    LineReader lines = new LineReader(streams().in());
    int last = ExitCode.DONE;
    while (lines.next()) {
      int code;
      if (lines.isTooLong() || !Utf8Text.isText(lines.bytes(), 0, lines.length())) {
        Failures.warn("line " + lines.number() + " is no UTF-8 text, or too long", streams());
        code = ExitCode.USAGE;
      } else {
        code =
            execute(runner, new String(lines.bytes(), 0, lines.length(), StandardCharsets.UTF_8));
      }
      if (code == EXIT) {
        break;
      }
      last = code == ExitCode.DONE ? last : code;
      if (code == ExitCode.BROKEN_PIPE || code == ExitCode.INTERRUPTED) {
        break;
      }
    }
    return last;
  }

  /// What [#execute] returns for a line that ends the shell; no exit code.
  static final int EXIT = -1;

  /// Runs one line.
  private int execute(Runner runner, String line) {
    String[] words;
    try {
      words = ShellWords.split(line);
    } catch (BadInputException e) {
      return Failures.report(e, streams());
    }
    if (words.length == 0) {
      return ExitCode.DONE;
    }
    return switch (words[0]) {
      case "exit", "quit" -> EXIT;
      default -> runner.run(words);
    };
  }
}

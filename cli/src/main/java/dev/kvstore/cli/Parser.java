package dev.kvstore.cli;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/// The argument parser: finds the verb of a line, lets it parse its arguments, and runs it.
///
/// Only the verb that is asked for is made known to the parser, because to know all of them takes
/// longer than most of them run. Apart from [Runner], so that plain lines do not load it.
final class Parser {
  private final Streams streams;
  private final Interrupts interrupts;
  private final StoreAccess access;

  Parser(Streams streams, Interrupts interrupts, StoreAccess access) {
    this.streams = streams;
    this.interrupts = interrupts;
    this.access = access;
  }

  /// Runs a line.
  ///
  /// @return the exit code
  int run(String[] args) throws IOException {
    try {
      return dispatch(args);
    } catch (ParameterException e) {
      return usage(e);
    }
  }

  private int dispatch(String[] args) throws IOException {
    int at = verbIndex(args);
    if (at == args.length) {
      return withoutVerb(args);
    }
    String name = Verbs.nameOf(args[at]);
    if (name.isEmpty() && at > 0) {
      // Throws if an option before it is unknown: then the word is probably that option's value.
      with(List.of()).parseArgs(Arrays.copyOf(args, at));
    }
    if (name.isEmpty() || (access.isShell() && !Verbs.isForShell(name))) {
      throw new BadInputException(
          (name.isEmpty() ? "there is no verb '" : "not inside a shell: '")
              + args[at]
              + (access.isShell() ? "'; 'help' lists them" : "'; 'kvstore --help' lists them"));
    }
    boolean wantsAll = name.equals("help") || name.equals("completion") || asksForHelp(args, at);
    CommandLine commandLine = wantsAll ? full() : with(List.of(name));
    ParseResult parsed = commandLine.parseArgs(args);
    if (answersHelp(parsed)) {
      return ExitCode.DONE;
    }
    Object verb = parsed.subcommand().commandSpec().userObject();
    return ((Verb) verb).run();
  }

  private int withoutVerb(String[] args) {
    CommandLine commandLine = full();
    if (answersHelp(commandLine.parseArgs(args))) {
      return ExitCode.DONE;
    }
    throw new BadInputException("say what to do; 'kvstore --help' lists the verbs");
  }

  private boolean answersHelp(ParseResult parsed) {
    for (CommandLine asked : parsed.asCommandLineList()) {
      if (asked.isUsageHelpRequested()) {
        streams.out().line(asked.getUsageMessage(CommandLine.Help.Ansi.OFF).stripTrailing());
        return true;
      }
      if (asked.isVersionHelpRequested()) {
        streams.out().line(Version.line());
        return true;
      }
    }
    return false;
  }

  private int usage(ParameterException e) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    String unknown = unknownOption(e.getCommandLine().getUnmatchedArguments());
    String message =
        e instanceof MissingParameterException && !unknown.isEmpty()
            ? "Unknown option: '" + unknown + "'; what is none goes behind '--'"
            : e.getMessage();
    Failures.warn(message + " (see '" + command + " --help')", streams);
    return ExitCode.USAGE;
  }

  /// The first that looks like an option; empty if none does.
  private static String unknownOption(List<String> unmatched) {
    for (String argument : unmatched) {
      if (argument.length() > 1 && argument.startsWith("-")) {
        return argument;
      }
    }
    return "";
  }

  /// The command with every verb, for help and completion.
  CommandLine full() {
    return with(
        access.isShell() ? Verbs.NAMES.stream().filter(Verbs::isForShell).toList() : Verbs.NAMES);
  }

  private CommandLine with(List<String> verbs) {
    Kvstore command = new Kvstore(streams, interrupts, access);
    CommandLine commandLine = new CommandLine(command);
    for (String name : verbs) {
      Object verb = Verbs.create(name);
      ((Verb) verb).attach(command);
      commandLine.addSubcommand(name, verb, Verbs.aliases(name));
    }
    commandLine.setExpandAtFiles(false);
    return commandLine;
  }

  /// Where the verb is: the first word that is no option and no option's value.
  private static int verbIndex(String[] args) {
    int at = 0;
    while (at < args.length && args[at].startsWith("-")) {
      switch (args[at]) {
        case "-d", "--data-dir", "--durability" -> at += 2;
        default -> at++;
      }
    }
    return Math.min(at, args.length);
  }

  private static boolean asksForHelp(String[] args, int verbIndex) {
    for (int i = 0; i < verbIndex; i++) {
      switch (args[i]) {
        case "-h", "--help" -> {
          return true;
        }
        default -> {}
      }
    }
    return false;
  }
}

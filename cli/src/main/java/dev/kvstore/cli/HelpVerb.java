package dev.kvstore.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `help`: explains a verb, or lists them all.
@Command(name = "help", description = "Lists the verbs, or explains one.")
final class HelpVerb extends Verb {
  @Spec
  @SuppressWarnings("NullAway.Init") // Set by picocli.
  private CommandSpec spec;

  @Parameters(index = "0", arity = "0..1", paramLabel = "VERB", description = "The verb.")
  private String verb = "";

  @Override
  int run() {
    CommandLine all = spec.parent().commandLine();
    CommandLine asked = verb.isEmpty() ? all : all.getSubcommands().get(verb);
    if (asked == null) {
      throw new BadInputException("there is no verb '" + verb + "'; 'kvstore --help' lists them");
    }
    out().line(asked.getUsageMessage(CommandLine.Help.Ansi.OFF).stripTrailing());
    return ExitCode.DONE;
  }
}

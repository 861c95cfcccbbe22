package dev.kvstore.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `completion`: prints the script that lets a shell complete verbs and options.
@Command(
    name = "completion",
    description = "Prints a script that completes verbs and options when the TAB key is pressed.",
    footer = {
      "bash:  source <(kvstore completion bash)",
      "zsh:   autoload -U compinit; compinit; source <(kvstore completion zsh)",
    })
final class CompletionVerb extends Verb {
  @Spec
  @SuppressWarnings("NullAway.Init") // Set by picocli.
  private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "SHELL", description = "bash or zsh.")
  private String shell = "";

  @Override
  int run() {
    switch (shell) {
      case "bash" -> {}
      case "zsh" -> out().line("autoload -U +X bashcompinit && bashcompinit");
      default -> throw new BadInputException("completion is for bash and zsh, not '" + shell + "'");
    }
    out().line(AutoComplete.bash("kvstore", spec.parent().commandLine()).stripTrailing());
    return ExitCode.DONE;
  }
}

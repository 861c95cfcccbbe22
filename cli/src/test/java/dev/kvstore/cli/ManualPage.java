package dev.kvstore.cli;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/// Makes the manual page out of what the verbs say about themselves.
final class ManualPage {
  private final StringBuilder page = new StringBuilder();

  private ManualPage() {}

  /// The page in the language of troff's `man` macros.
  static String make() {
    Streams nowhere =
        Streams.of(
            InputStream.nullInputStream(),
            OutputStream.nullOutputStream(),
            OutputStream.nullOutputStream(),
            Map.of());
    CommandLine all = new Parser(nowhere, new Interrupts(), StoreAccess.oneShot()).full();
    return new ManualPage().of(all);
  }

  private String of(CommandLine all) {
    CommandSpec root = all.getCommandSpec();
    line(".\\\" Made from the help of the verbs; see ManualPageTest.");
    line(".TH KVSTORE 1 \"\" \"KvStore\" \"User Commands\"");
    section("NAME");
    line("kvstore \\- a key\\-value store in a directory");
    section("SYNOPSIS");
    line(".B kvstore");
    line(text("[--data-dir=DIR] [--durability=WHEN] VERB [OPTIONS] [ARGUMENTS]"));
    section("DESCRIPTION");
    line(text("kvstore keeps keys and values in a directory of its own."));
    line(text("A key has 1 to 65535 bytes, a value 0 bytes to 1 GiB; no byte is special."));
    line(text("A command returns when what it wrote is on the disk."));
    List<String> footer = List.of(root.usageMessage().footer());
    paragraph(footer.getFirst());
    section("OPTIONS");
    line("These come before or after the verb.");
    options(root, false);
    section("VERBS");
    for (String name : Verbs.NAMES) {
      verb(all.getSubcommands().get(name).getCommandSpec());
    }
    section("EXIT STATUS");
    root.usageMessage().exitCodeList().forEach(this::definition);
    section("ENVIRONMENT");
    for (String row : footer.subList(footer.indexOf("Environment:") + 1, footer.size())) {
      String[] parts = row.strip().split(" {2,}", 2);
      definition(parts[0], parts[1]);
    }
    section("FILES");
    definition("./data", "The store, where neither --data-dir nor KVSTORE_DATA_DIR names one.");
    definition("~/.kvstore_history", "The history of 'kvstore shell'.");
    section("EXAMPLES");
    line(".nf");
    for (String example :
        List.of(
            "kvstore set user Alice",
            "kvstore get user",
            "date | kvstore set today -",
            "kvstore keys --prefix user: --limit 10",
            "kvstore export backup.jsonl",
            "kvstore --data-dir copy import backup.jsonl",
            "kvstore verify || kvstore salvage --to rescued",
            "printf 'set a 1\\nincr n\\nget a\\n' | kvstore shell")) {
      line(text(example));
    }
    line(".fi");
    return page.toString();
  }

  private void verb(CommandSpec verb) {
    StringBuilder heading = new StringBuilder(String.join(", ", verb.names()));
    for (PositionalParamSpec argument : verb.positionalParameters()) {
      boolean optional = argument.arity().min() == 0;
      String label = argument.paramLabel() + (argument.arity().max() > 1 ? "..." : "");
      heading.append(' ').append(optional ? "[" + label + "]" : label);
    }
    line(".SS " + text(heading.toString()));
    line(text(String.join(" ", verb.usageMessage().description())));
    for (PositionalParamSpec argument : verb.positionalParameters()) {
      definition(argument.paramLabel(), description(argument));
    }
    options(verb, true);
    for (String row : verb.usageMessage().footer()) {
      paragraph(row);
    }
  }

  /// @param ownOnly whether to leave out what every verb has
  private void options(CommandSpec spec, boolean ownOnly) {
    for (OptionSpec option : spec.options()) {
      boolean isCommon = option.inherited() || option.usageHelp() || option.versionHelp();
      if (ownOnly && isCommon) {
        continue;
      }
      List<String> names = new ArrayList<>(List.of(option.names()));
      String last = names.removeLast();
      names.add(option.arity().max() == 0 ? last : last + " " + option.paramLabel());
      definition(String.join(", ", names), description(option));
    }
  }

  private static String description(ArgSpec argument) {
    return String.join(" ", argument.description()).replace("$$", "$");
  }

  private void section(String name) {
    line(".SH " + name);
  }

  private void definition(String term, String meaning) {
    line(".TP");
    line(".B " + text(term));
    line(text(meaning));
  }

  private void paragraph(String paragraph) {
    if (!paragraph.isBlank()) {
      line(".PP");
      line(text(paragraph));
    }
  }

  private void line(String line) {
    page.append(line).append('\n');
  }

  private static String text(String text) {
    String escaped = text.strip().replace("\\", "\\e").replace("-", "\\-");
    return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
  }
}

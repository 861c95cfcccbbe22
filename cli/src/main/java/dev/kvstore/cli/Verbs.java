package dev.kvstore.cli;

import java.util.List;

/// The table of verbs.
///
/// Verbs are made by name, one at a time: to load and inspect all of them takes longer than most of
/// them run.
final class Verbs {
  /// All names in the order in which help lists them.
  static final List<String> NAMES =
      List.of(
          "set",
          "get",
          "rm",
          "exists",
          "incr",
          "setnx",
          "cas",
          "keys",
          "count",
          "export",
          "import",
          "stats",
          "compact",
          "verify",
          "salvage",
          "inspect",
          "recovery",
          "bench",
          "demo",
          "torture",
          "shell",
          "completion",
          "help");

  private Verbs() {}

  /// The name that a word stands for; empty if it is no verb.
  static String nameOf(String word) {
    return switch (word) {
      case "delete", "del" -> "rm";
      default -> NAMES.contains(word) ? word : "";
    };
  }

  /// Other names of a verb.
  static String[] aliases(String name) {
    return name.equals("rm") ? new String[] {"delete", "del"} : new String[0];
  }

  /// Whether a verb makes sense within a shell, which has a store open and its input in use.
  static boolean isForShell(String name) {
    return switch (name) {
      case "bench", "demo", "torture", "shell", "completion" -> false;
      default -> true;
    };
  }

  /// A new verb; always a [Verb]. Declared as less, or the verifier would load each of them.
  static Object create(String name) {
    return switch (name) {
      case "set" -> new SetVerb();
      case "get" -> new GetVerb();
      case "rm" -> new RmVerb();
      case "exists" -> new ExistsVerb();
      case "incr" -> new IncrVerb();
      case "setnx" -> new SetnxVerb();
      case "cas" -> new CasVerb();
      case "keys" -> new KeysVerb();
      case "count" -> new CountVerb();
      case "export" -> new ExportVerb();
      case "import" -> new ImportVerb();
      case "stats" -> new StatsVerb();
      case "compact" -> new CompactVerb();
      case "verify" -> new VerifyVerb();
      case "salvage" -> new SalvageVerb();
      case "inspect" -> new InspectVerb();
      case "recovery" -> new RecoveryVerb();
      case "bench" -> new BenchVerb();
      case "demo" -> new DemoVerb();
      case "torture" -> new TortureVerb();
      case "shell" -> new ShellVerb();
      case "completion" -> new CompletionVerb();
      case "help" -> new HelpVerb();
      default -> throw new IllegalArgumentException(name);
    };
  }
}

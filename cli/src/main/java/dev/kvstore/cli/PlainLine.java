package dev.kvstore.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The simplest command lines, understood without the argument parser: to start that takes longer than
/// to open a store and read a key.
///
/// Knows the verbs of single keys, with no option but the directory before or behind them. Whatever
/// else begins with a dash, or has the wrong number of words, is left to the parser, which either
/// understands it or explains what is wrong. So both must read these lines alike; a test sees to it.
final class PlainLine {
  private PlainLine() {}

  /// The verb of a line with its arguments; null if the parser must look at the line.
  ///
  /// @param command takes the directory, if the line names one
  static @Nullable Object parse(String[] args, Kvstore command) {
    String directory = null;
    List<String> words = new ArrayList<>(args.length);
    for (int i = 0; i < args.length; i++) {
      String arg = args[i];
      if (!arg.startsWith("-")) {
        words.add(arg);
        continue;
      }
      boolean namesDirectory = arg.equals("-d") || arg.equals("--data-dir");
      if (!namesDirectory || directory != null || ++i == args.length || args[i].startsWith("-")) {
        return null;
      }
      directory = args[i];
    }
    Object verb = words.isEmpty() ? null : verb(words);
    if (verb != null && directory != null) {
      command.dataDir(directory);
    }
    return verb;
  }

  private static @Nullable Object verb(List<String> words) {
    int arguments = words.size() - 1;
    return switch (words.get(0)) {
      case "get" -> arguments == 1 ? new GetVerb(words.get(1)) : null;
      case "set" -> arguments == 2 ? new SetVerb(words.get(1), words.get(2)) : null;
      case "rm", "delete", "del" ->
          arguments >= 1 ? new RmVerb(words.subList(1, words.size())) : null;
      case "exists" -> arguments == 1 ? new ExistsVerb(words.get(1)) : null;
      case "incr" -> arguments == 1 ? new IncrVerb(words.get(1)) : null;
      case "count" -> arguments == 0 ? new CountVerb() : null;
      default -> null;
    };
  }
}

package dev.kvstore.cli;

import java.util.Arrays;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The options that choose some of the keys.
final class KeySelection {
  @Option(names = "--prefix", paramLabel = "P", description = "Only keys that begin with P.")
  private @Nullable String prefix;

  @Option(
      names = "--pattern",
      paramLabel = "GLOB",
      description = "Only keys that match: '*' any text, '?' one character, '[a-z]' one of these.")
  private @Nullable String pattern;

  @Option(names = "--limit", paramLabel = "N", description = "At most N of them.")
  private @Nullable String limit;

  /// The test that a key must pass.
  Predicate<byte[]> test(Notation notation) {
    if (prefix != null && pattern != null) {
      throw new BadInputException("--prefix and --pattern exclude each other");
    }
    if (prefix != null) {
      byte[] begin = notation.bytes(prefix, "prefix");
      return key ->
          key.length >= begin.length && Arrays.equals(key, 0, begin.length, begin, 0, begin.length);
    }
    if (pattern != null) {
      return new Glob(pattern)::matches;
    }
    return key -> true;
  }

  /// How many keys at most.
  long limit() {
    if (limit == null) {
      return Long.MAX_VALUE;
    }
    if (!limit.matches("[0-9]{1,18}")) {
      throw new BadInputException("--limit must be a number, 0 or more, not " + limit);
    }
    return Long.parseLong(limit);
  }
}

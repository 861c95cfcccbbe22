package dev.kvstore.cli;

import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `incr`: adds to an integer.
@Command(
    name = "incr",
    description = {
      "Adds to the integer of a key and prints the sum.",
      "A key that is not there counts as 0.",
    },
    footer = "Only values of type int can be added to:  kvstore set hits 41 --type int")
final class IncrVerb extends Verb {
  @Parameters(index = "0", paramLabel = "KEY", description = "The key.")
  private String key = "";

  @Parameters(
      index = "1",
      paramLabel = "N",
      arity = "0..1",
      description = "What to add; may be negative. Default: 1.")
  private String delta = "1";

  @Mixin private Notation notation = new Notation();

  IncrVerb() {}

  IncrVerb(String key) {
    this.key = key;
  }

  @Override
  int run() throws IOException {
    byte[] keyBytes = notation.key(key);
    long added = ValueType.integer(delta);
    long sum =
        writing(store -> {
          try {
            return store.increment(keyBytes, added);
          } catch (ArithmeticException e) {
            throw new ArithmeticException("the sum does not fit in 64 bits; nothing was changed");
          }
        });
    out().line(Long.toString(sum));
    return ExitCode.DONE;
  }
}

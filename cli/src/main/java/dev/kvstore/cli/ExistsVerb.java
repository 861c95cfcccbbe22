package dev.kvstore.cli;

import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `exists`: tells whether a key is there.
@Command(
    name = "exists",
    description = {
      "Tells whether a key is there.",
      "Prints 'true', or 'false' with exit code 1.",
    })
final class ExistsVerb extends Verb {
  @Parameters(index = "0", paramLabel = "KEY", description = "The key.")
  private String key = "";

  @Mixin private Notation notation = new Notation();

  ExistsVerb() {}

  ExistsVerb(String key) {
    this.key = key;
  }

  @Override
  int run() throws IOException {
    byte[] keyBytes = notation.key(key);
    boolean found = reading(store -> store.contains(keyBytes), () -> false);
    out().line(Boolean.toString(found));
    return found ? ExitCode.DONE : ExitCode.NOT_FOUND;
  }
}

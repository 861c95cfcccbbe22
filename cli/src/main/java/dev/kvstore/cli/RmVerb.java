package dev.kvstore.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `rm`: removes keys.
@Command(
    name = "rm",
    description = {
      "Removes keys.",
      "Those that are not there are named on standard error, with exit code 1; the others are"
          + " removed.",
    })
final class RmVerb extends Verb {
  @Parameters(arity = "1..*", paramLabel = "KEY", description = "The keys.")
  private List<String> keys = List.of();

  @Mixin private Notation notation = new Notation();

  RmVerb() {}

  RmVerb(List<String> keys) {
    this.keys = keys;
  }

  @Override
  int run() throws IOException {
    List<byte[]> wanted = new ArrayList<>();
    for (String key : keys) {
      wanted.add(notation.key(key));
    }
    List<byte[]> missing =
        changing(
            store -> {
              List<byte[]> absent = new ArrayList<>();
              for (byte[] key : wanted) {
                if (!store.delete(key)) {
                  absent.add(key);
                }
              }
              return absent;
            },
            () -> wanted);
    if (missing.isEmpty()) {
      return ExitCode.DONE;
    }
    if (wanted.size() == 1) {
      return notFound();
    }
    for (byte[] key : missing) {
      streams().err().println("Key not found: " + notation.line(key));
    }
    return ExitCode.NOT_FOUND;
  }
}

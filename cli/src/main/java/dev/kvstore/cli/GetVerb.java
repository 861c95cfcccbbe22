package dev.kvstore.cli;

import dev.kvstore.Entry;
import dev.kvstore.Value;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `get`: prints the value of a key.
@Command(
    name = "get",
    description = "Prints the value of a key and a line break. Numbers are printed in decimal.",
    footer = "--json prints {\"key\":..,\"value\":..,\"type\":..}, as export does.")
final class GetVerb extends Verb {
  @Parameters(index = "0", paramLabel = "KEY", description = "The key.")
  private String key = "";

  @Option(names = "--raw", description = "Print the value alone, without a line break.")
  private boolean raw;

  @Option(names = "--json", description = "Print a JSON object.")
  private boolean json;

  @Mixin private Notation notation = new Notation();

  GetVerb() {}

  GetVerb(String key) {
    this.key = key;
  }

  @Override
  int run() throws IOException {
    byte[] keyBytes = notation.key(key);
    if (json && (raw || !notation.isText())) {
      throw new BadInputException("--json goes with neither --raw, --hex nor --base64");
    }
    Optional<Value> found = reading(store -> store.getValue(keyBytes), Optional::empty);
    if (found.isEmpty()) {
      return notFound();
    }
    if (json) {
      try (JsonLines.Writer writer = new JsonLines.Writer(out())) {
        writer.write(new Entry(keyBytes, found.get()));
      }
      return ExitCode.DONE;
    }
    out().write(notation.print(ValueType.written(found.get())));
    if (!raw) {
      out().write('\n');
    }
    return ExitCode.DONE;
  }
}

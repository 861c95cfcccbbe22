package dev.kvstore.cli;

import dev.kvstore.Value;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `set`: gives a key a value.
@Command(
    name = "set",
    description = "Sets a key to a value, whether the key is there or not.",
    footer = {
      "Without --type a value is a string if it is UTF-8 text, else bytes; with --hex or --base64"
          + " it is bytes.",
      "A KEY or VALUE that begins with '-' goes behind '--':  kvstore set -- -key -value",
    })
final class SetVerb extends Verb {
  @Mixin private KeyAndValue arguments = new KeyAndValue();

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      completionCandidates = ValueType.Candidates.class,
      description = "Type of the value: string, int, float or bytes.")
  private @Nullable String type;

  @Mixin private Notation notation = new Notation();

  SetVerb() {}

  SetVerb(String key, String value) {
    arguments = new KeyAndValue(key, value);
  }

  @Override
  int run() throws IOException {
    byte[] keyBytes = arguments.key(notation);
    Value read = arguments.value(notation, type == null ? null : ValueType.ofWord(type), kvstore());
    writing(store -> store.put(keyBytes, read));
    return ExitCode.DONE;
  }
}

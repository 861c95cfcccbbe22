package dev.kvstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.kvstore.KvStore;
import java.io.IOException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.function.Predicate;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `keys`: lists the keys.
@Command(
    name = "keys",
    description = "Lists the keys, one on each line, in no particular order.",
    footer = {
      "A key that is not printable text is escaped: \\n, \\t, \\\\, \\x00. The exact bytes are"
          + " given by --hex, --base64, and --json: {\"key\":..} or {\"keyBase64\":..}.",
    })
final class KeysVerb extends Verb {
  @Mixin private KeySelection selection = new KeySelection();

  @Option(names = "--sort", description = "In the order of their bytes; holds them all in memory.")
  private boolean sort;

  @Option(names = "--json", description = "Print JSON objects.")
  private boolean json;

  @Mixin private Notation notation = new Notation();

  @Override
  int run() throws IOException {
    Predicate<byte[]> wanted = selection.test(notation);
    long limit = selection.limit();
    if (json && !notation.isText()) {
      throw new BadInputException("--json goes with neither --hex nor --base64");
    }
    return reading(store -> list(store, wanted, limit), () -> ExitCode.DONE);
  }

  private int list(KvStore store, Predicate<byte[]> wanted, long limit) throws IOException {
    try (Stream<byte[]> all = store.keys().filter(wanted)) {
      Stream<byte[]> ordered = sort ? all.sorted(Arrays::compareUnsigned) : all;
      Iterator<byte[]> keys = ordered.limit(limit).iterator();
      if (json) {
        printJson(keys);
      } else {
        while (keys.hasNext()) {
          out().line(notation.line(keys.next()));
        }
      }
    }
    return ExitCode.DONE;
  }

  private void printJson(Iterator<byte[]> keys) throws IOException {
    try (JsonGenerator generator = JsonLines.generator(out())) {
      while (keys.hasNext()) {
        generator.writeStartObject();
        JsonLines.writeBytes(generator, "key", keys.next());
        generator.writeEndObject();
        generator.writeRaw('\n');
      }
    }
  }
}

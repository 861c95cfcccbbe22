package dev.kvstore.cli;

import dev.kvstore.KvStore;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `count`: prints how many keys there are.
@Command(name = "count", description = "Prints how many keys there are.")
final class CountVerb extends Verb {
  @Option(names = "--json", description = "Print {\"count\":N}.")
  private boolean json;

  @Override
  int run() throws IOException {
    long count = reading(KvStore::size, () -> 0L);
    out().line(json ? "{\"count\":" + count + "}" : Long.toString(count));
    return ExitCode.DONE;
  }
}

package dev.kvstore.cli;

import dev.kvstore.KvStore;
import dev.kvstore.Value;
import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `cas`: sets a key if its value is what is expected.
@Command(
    name = "cas",
    description = {
      "Sets a key if its value is what is expected.",
      "The value must be EXPECTED, as get prints it. Prints 'true' if the key was set, else 'false'"
          + " with exit code 1. NEW is stored as bytes.",
    })
final class CasVerb extends Verb {
  @Parameters(index = "0", paramLabel = "KEY", description = "The key.")
  private String key = "";

  @Parameters(index = "1", paramLabel = "EXPECTED", description = "The value it must have.")
  private String expected = "";

  @Parameters(index = "2", paramLabel = "NEW", description = "The value it gets.")
  private String replacement = "";

  @Mixin private Notation notation = new Notation();

  @Override
  int run() throws IOException {
    byte[] keyBytes = notation.key(key);
    byte[] wanted = notation.bytes(expected, "expected value");
    byte[] next = notation.bytes(replacement, "new value");
    boolean done = changing(store -> swap(store, keyBytes, wanted, next), () -> false);
    out().line(Boolean.toString(done));
    return done ? ExitCode.DONE : ExitCode.NOT_FOUND;
  }

  private static boolean swap(KvStore store, byte[] key, byte[] wanted, byte[] next) {
    Optional<Value> now = store.getValue(key);
    return now.isPresent()
        && Arrays.equals(ValueType.written(now.get()), wanted)
        && store.compareAndSet(key, now.get().toBytes(), next);
  }
}

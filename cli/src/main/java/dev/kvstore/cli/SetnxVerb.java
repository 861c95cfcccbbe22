package dev.kvstore.cli;

import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// `setnx`: sets a key unless it is there.
@Command(
    name = "setnx",
    description = {
      "Sets a key unless it is there.",
      "Prints 'true' if it was set, else 'false' with exit code 1. The value is stored as bytes.",
    })
final class SetnxVerb extends Verb {
  @Mixin private KeyAndValue arguments = new KeyAndValue();

  @Mixin private Notation notation = new Notation();

  @Override
  int run() throws IOException {
    byte[] keyBytes = arguments.key(notation);
    byte[] bytes = arguments.value(notation, ValueType.BYTES, kvstore()).toBytes();
    boolean done = writing(store -> store.putIfAbsent(keyBytes, bytes));
    out().line(Boolean.toString(done));
    return done ? ExitCode.DONE : ExitCode.NOT_FOUND;
  }
}

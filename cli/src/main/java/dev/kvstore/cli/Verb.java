package dev.kvstore.cli;

import dev.kvstore.KvStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/// One verb of the command. Made anew for each command line, so its fields are that line's
/// arguments.
///
/// A verb checks its arguments before it reaches for the store, so that a wrong line changes
/// nothing.
@Command(
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpWidth = 100,
    synopsisHeading = "Usage: ",
    descriptionHeading = "%n",
    parameterListHeading = "%nArguments:%n",
    optionListHeading = "%nOptions:%n",
    footerHeading = "%n")
abstract class Verb {
  private @Nullable Kvstore command;

  final void attach(Kvstore kvstore) {
    command = kvstore;
  }

  /// Does what the verb is for.
  ///
  /// @return the exit code
  abstract int run() throws IOException;

  final Kvstore kvstore() {
    if (command == null) {
      throw new IllegalStateException("attach comes first");
    }
    return command;
  }

  final Streams streams() {
    return kvstore().streams();
  }

  final Output out() {
    return kvstore().streams().out();
  }

  final Path directory() {
    return kvstore().directory();
  }

  /// Works with a store that cannot be written to. One that does not exist counts as empty and is
  /// not made.
  final <R> R reading(StoreAccess.Work<R> work, Supplier<R> ifAbsent) throws IOException {
    return kvstore().access().reading(kvstore(), work, ifAbsent);
  }

  /// Works with a store, which is made if it does not exist.
  final <R> R writing(StoreAccess.Work<R> work) throws IOException {
    return kvstore().access().writing(kvstore(), work);
  }

  /// Works with a store; one that does not exist is not made.
  final <R> R changing(StoreAccess.Work<R> work, Supplier<R> ifAbsent) throws IOException {
    return kvstore().access().changing(kvstore(), work, ifAbsent);
  }

  /// Works on the files of a store that nobody has open, not even the shell this runs in.
  final Path files() {
    kvstore().access().release();
    Path directory = directory();
    if (StoreAccess.isAbsent(directory)) {
      throw new NoStoreException(directory);
    }
    return directory;
  }

  /// Says that a key is not there.
  final int notFound() {
    streams().err().println("Key not found");
    return ExitCode.NOT_FOUND;
  }

  /// Checks a key before anything is opened.
  static byte[] requireKey(byte[] key) {
    if (key.length == 0) {
      throw new BadInputException("the key is empty; a key has 1 to 65535 bytes");
    }
    if (key.length > KvStore.KEY_BYTES_MAX) {
      throw new BadInputException(
          "a key of " + key.length + " bytes is too large; the limit is " + KvStore.KEY_BYTES_MAX);
    }
    return key;
  }
}

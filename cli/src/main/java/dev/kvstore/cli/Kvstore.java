package dev.kvstore.cli;

import dev.kvstore.Durability;
import dev.kvstore.Options;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/// The command itself: the options that every verb takes, and what verbs share.
@Command(
    name = "kvstore",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpWidth = 100,
    customSynopsis = "kvstore [--data-dir=DIR] [--durability=WHEN] VERB [OPTIONS] [ARGUMENTS]",
    synopsisHeading = "Usage: ",
    description = {
      "",
      "A key-value store in a directory.",
      "",
      "  kvstore set user Alice",
      "  kvstore get user",
    },
    optionListHeading = "%nOptions of every verb:%n",
    commandListHeading = "%nVerbs ('kvstore VERB --help' tells more):%n",
    footerHeading = "%n",
    footer = {
      "Results go to standard output, everything else to standard error. With --json each result is"
          + " a JSON object on a line of its own. A key is in the field \"key\", or \"keyBase64\""
          + " if it is not UTF-8 text; a value in \"value\" or \"valueBase64\", with \"type\":"
          + " \"string\", \"int\", \"float\" or \"bytes\".",
      "",
      "Environment:",
      "  KVSTORE_DATA_DIR    the store, where --data-dir does not name one",
      "  KVSTORE_DEBUG=1     stack traces with errors",
      "  KVSTORE_JAVA_OPTS   options for the JVM, for example -Xmx4g",
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:the key was not found",
      "2:the arguments or the input cannot be used",
      "3:the store, or the system below it, failed or refused",
      "130:ended by Ctrl-C",
      "141:nobody reads the output any more",
    })
final class Kvstore {
  @Option(
      names = {"-d", "--data-dir"},
      paramLabel = "DIR",
      scope = ScopeType.INHERIT,
      description = "Directory of the store. Default: $$KVSTORE_DATA_DIR, else ./data.")
  private @Nullable String dataDir;

  @Option(
      names = "--durability",
      paramLabel = "WHEN",
      scope = ScopeType.INHERIT,
      completionCandidates = DurabilityWords.Candidates.class,
      description =
          "What a write waits for: 'always' that it is on the disk, 'os' that the operating system"
              + " has it, 'every:DURATION' the same with a force that often (every:100ms)."
              + " Default: always.")
  private @Nullable String durability;

  private final Streams streams;
  private final Interrupts interrupts;
  private final StoreAccess access;

  Kvstore(Streams streams, Interrupts interrupts, StoreAccess access) {
    this.streams = streams;
    this.interrupts = interrupts;
    this.access = access;
  }

  /// Names the directory of the store, as the option does.
  void dataDir(String directory) {
    dataDir = directory;
  }

  Streams streams() {
    return streams;
  }

  Interrupts interrupts() {
    return interrupts;
  }

  StoreAccess access() {
    return access;
  }

  /// The directory of the store: option, else environment, else `./data`; in a shell that of the
  /// shell.
  Path directory() {
    Path ofShell = access.directory();
    if (ofShell != null) {
      if (dataDir != null) {
        throw new BadInputException(
            "a shell works on one store; start another shell for " + dataDir);
      }
      return ofShell;
    }
    if (dataDir != null) {
      if (dataDir.isEmpty()) {
        throw new BadInputException("--data-dir is empty; it names the directory of the store");
      }
      return Path.of(dataDir);
    }
    String named = streams.env("KVSTORE_DATA_DIR");
    return Path.of(named.isEmpty() ? "data" : named);
  }

  /// Whether somebody said which store is meant.
  boolean namesDirectory() {
    return dataDir != null;
  }

  /// Whether somebody said what a write waits for.
  boolean namesDurability() {
    return durability != null;
  }

  Durability durability() {
    return durability == null ? access.durability() : DurabilityWords.parse(durability);
  }

  Options options() {
    return Options.builder().durability(durability()).build();
  }
}

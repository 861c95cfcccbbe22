package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.KvStore;
import dev.kvstore.cli.CommandRun.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Whatever is wrong ends in one line on standard error and the right exit code, and changes
/// nothing.
class BadInputTest {
  @TempDir private Path temporary;
  private Path directory;
  private CommandRun command;

  @BeforeEach
  void makeCommand() {
    directory = temporary.resolve("store");
    command = new CommandRun(directory);
  }

  static Stream<List<String>> wrongLines() {
    return Stream.of(
        line(),
        line("frobnicate"),
        line("get"),
        line("get", "a", "b"),
        line("set", "a"),
        line("set", "a", "b", "c"),
        line("set", "", "b"),
        line("get", ""),
        line("rm"),
        line("rm", "a", ""),
        line("get", "--nope", "a"),
        line("set", "k", "-x"),
        line("set", "k", "x", "--type", "integer"),
        line("set", "k", "x", "--type", "int"),
        line("set", "k", "", "--type", "int"),
        line("set", "k", "1.5", "--type", "int"),
        line("set", "k", "9223372036854775808", "--type", "int"),
        line("set", "k", "1e999", "--type", "float"),
        line("set", "k", "0x10", "--type", "float"),
        line("set", "k", "1d", "--type", "float"),
        line("set", "k", "\u0661", "--type", "int"),
        line("set", "k", "fg", "--hex"),
        line("set", "6b", "f", "--hex"),
        line("set", "k", "??", "--base64"),
        line("set", "6b", "ff", "--hex", "--type", "string"),
        line("get", "--hex", "--base64", "00"),
        line("get", "--json", "--raw", "a"),
        line("set", "k", "@/nowhere/to/be/found"),
        line("set", "k", "@."),
        line("set", "k".repeat(KvStore.KEY_BYTES_MAX + 1), "v"),
        line("get", "k".repeat(KvStore.KEY_BYTES_MAX + 1)),
        line("set", "half\uD800", "v"),
        line("set", "k", "half\uDC00"),
        line("keys", "--limit", "-1"),
        line("keys", "--limit", "many"),
        line("keys", "--limit", "99999999999999999999"),
        line("keys", "--pattern", "[a"),
        line("keys", "--pattern", "a\\"),
        line("keys", "--pattern", "a", "--prefix", "a"),
        line("incr", "n", "x"),
        line("incr", "n", "1.0"),
        line("--durability", "never", "set", "k", "v"),
        line("--durability", "every:", "set", "k", "v"),
        line("--durability", "every:0ms", "set", "k", "v"),
        line("--durability", "every:2h", "set", "k", "v"),
        line("--durability", "every:99999999999999s", "set", "k", "v"),
        line("import"),
        line("import", "nowhere.jsonl"),
        line("import", "-", "--format", "xml"),
        line("import", "data.bin"),
        line("export", "data.bin"),
        line("export", "/nowhere/to/be/found/x.csv"),
        line("salvage"),
        line("salvage", "--to", ""),
        line("completion", "fish"),
        line("completion"),
        line("help", "frobnicate"),
        line("inspect", "x", "-5"),
        line("bench", "--keys", "0"),
        line("bench", "--keys", "-1"),
        line("bench", "--value-bytes", "99999999999"),
        line("bench", "--seconds", "soon"));
  }

  @ParameterizedTest
  @MethodSource("wrongLines")
  void isRefusedBeforeAnythingIsTouched(List<String> args) {
    assertIsError(command.run(args.toArray(new String[0])), ExitCode.USAGE, args.toString());
    assertThat(directory).doesNotExist();
  }

  @Test
  void anUnknownOptionIsNamedAndNotTheWordBehindIt() {
    Outcome outcome = CommandRun.runPlain(Map.of(), "--db", "store", "get", "k");
    assertIsError(outcome, ExitCode.USAGE, "--db");
    assertThat(outcome.err()).contains("Unknown option: '--db'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"salvage /tmp/copy", "salvage -- /copy"})
  void aWordTooManyHidesNotWhatIsMissing(String line) {
    Outcome outcome = command.run(line.split(" "));
    assertIsError(outcome, ExitCode.USAGE, "--to");
    assertThat(outcome.err()).contains("Missing required option: '--to=DIR'");
  }

  @Test
  void anEmptyDirectoryNameIsRefused() {
    assertIsError(
        CommandRun.runPlain(Map.of(), "--data-dir", "", "get", "k"), ExitCode.USAGE, "empty");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "get k", "set k v", "rm k", "keys", "count", "stats", "export", "verify", "compact"
      })
  void aFileIsNoStore(String line) throws IOException {
    Path file = Files.writeString(temporary.resolve("file"), "mine");
    assertIsError(new CommandRun(file).run(line.split(" ")), ExitCode.STORE_ERROR, line);
    assertIsError(
        new CommandRun(file.resolve("below")).run(line.split(" ")), ExitCode.STORE_ERROR, line);
    assertThat(file).hasContent("mine");
  }

  @ParameterizedTest
  @ValueSource(strings = {"get k", "set k v", "rm k", "keys", "count", "verify", "compact"})
  void aForeignDirectoryIsNoStore(String line) throws IOException {
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("letter.txt"), "mine");
    assertIsError(command.run(line.split(" ")), ExitCode.STORE_ERROR, line);
    assertThat(directory.resolve("letter.txt")).hasContent("mine");
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).hasSize(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"verify", "compact", "inspect", "salvage --to x"})
  void workOnFilesWantsAStore(String line) {
    assertIsError(command.run(line.split(" ")), ExitCode.STORE_ERROR, line);
    assertThat(directory).doesNotExist();
  }

  @Test
  void aStoreThatIsOpenElsewhereIsLeftAlone() {
    try (KvStore store = KvStore.open(directory)) {
      store.put("k", "v");
      assertIsError(command.run("set", "k", "w"), ExitCode.STORE_ERROR, "set");
      assertIsError(command.run("get", "k"), ExitCode.STORE_ERROR, "get");
      assertIsError(command.run("verify"), ExitCode.STORE_ERROR, "verify");
      assertThat(store.getString("k")).contains("v");
    }
    assertThat(command.run("get", "k").out()).isEqualTo("v\n");
  }

  @Test
  void theStackTraceIsThereForWhoAsksForIt() {
    Outcome outcome =
        CommandRun.runPlain(Map.of("KVSTORE_DEBUG", "1"), "-d", "" + directory, "get", "");
    assertThat(outcome.err()).startsWith("kvstore: the key is empty").contains("\tat ");
  }

  private static void assertIsError(Outcome outcome, int code, String what) {
    assertThat(outcome.code()).as(what + "\n" + outcome).isEqualTo(code);
    assertThat(outcome.out()).as(what).isEmpty();
    assertThat(outcome.errLines()).as(what).hasSize(1);
    assertThat(outcome.err()).as(what).startsWith("kvstore: ").doesNotContain("Exception");
  }

  private static List<String> line(String... args) {
    return List.of(args);
  }
}

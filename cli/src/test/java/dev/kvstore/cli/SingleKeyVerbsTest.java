package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.cli.CommandRun.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SingleKeyVerbsTest {
  @TempDir private Path temporary;
  private Path directory;
  private CommandRun command;

  @BeforeEach
  void makeCommand() {
    directory = temporary.resolve("store");
    command = new CommandRun(directory);
  }

  @Test
  void whatIsSetIsReadByTheNextCommand() {
    assertThat(command.run("set", "user", "Alice")).isEqualTo(silent());
    assertThat(command.run("get", "user").out()).isEqualTo("Alice\n");
    command.run("set", "user", "Bob");
    assertThat(command.run("get", "user").out()).isEqualTo("Bob\n");
  }

  @Test
  void aStoreOfOneSmallKeyIsSmall() throws IOException {
    command.run("set", "k", "v");
    AtomicLong bytes = new AtomicLong();
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            bytes.addAndGet(attributes.size());
            return FileVisitResult.CONTINUE;
          }
        });
    assertThat(bytes.get()).isLessThan(64 << 10);
  }

  @Test
  void aKeyThatIsMissingIsSaidOnStandardError() {
    command.run("set", "a", "b");
    assertThat(command.run("get", "nope")).isEqualTo(notFound());
    assertThat(command.run("rm", "nope")).isEqualTo(notFound());
  }

  @ParameterizedTest
  @ValueSource(strings = {"get k", "rm k", "exists k", "cas k a b"})
  void aStoreThatDoesNotExistIsEmptyAndStaysMissing(String line) {
    assertThat(command.run(line.split(" ")).code()).isEqualTo(ExitCode.NOT_FOUND);
    assertThat(directory).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"rm", "delete", "del"})
  void keysAreRemovedUnderEachOfTheNames(String verb) {
    command.run("set", "a", "1");
    assertThat(command.run(verb, "a")).isEqualTo(silent());
    assertThat(command.run("get", "a").code()).isEqualTo(ExitCode.NOT_FOUND);
  }

  @Test
  void ofManyKeysThoseThatAreThereAreRemoved() {
    command.run("set", "a", "1");
    command.run("set", "c", "1");
    Outcome outcome = command.run("rm", "a", "b", "c", "d");
    assertThat(outcome.code()).isEqualTo(ExitCode.NOT_FOUND);
    assertThat(outcome.errLines()).containsExactly("Key not found: b", "Key not found: d");
    assertThat(command.run("count").out()).isEqualTo("0\n");
  }

  @ParameterizedTest
  @CsvSource({
    "int, 9223372036854775807, 9223372036854775807, 9223372036854775807",
    "int, -9223372036854775808, -9223372036854775808, -9223372036854775808",
    "int, +7, 7, 7",
    "float, 1, 1.0, 1.0",
    "float, -0.0, -0.0, -0.0",
    "float, 1e300, 1.0E300, 1.0E300",
    "float, NaN, NaN, '\"NaN\"'",
    "float, -Infinity, -Infinity, '\"-Infinity\"'",
    "string, 12, 12, '\"12\"'",
    "bytes, 12, 12, '\"12\"'",
  })
  void valuesKeepTheirType(String type, String given, String printed, String json) {
    assertThat(command.run("set", "k", "--type", type, "--", given).err()).isEmpty();
    assertThat(command.run("get", "k").out()).isEqualTo(printed + "\n");
    assertThat(command.run("get", "k", "--json").out())
        .isEqualTo("{\"key\":\"k\",\"value\":" + json + ",\"type\":\"" + type + "\"}\n");
  }

  @Test
  void negativeNumbersAreNoOptions() {
    assertThat(command.run("set", "n", "-5", "--type", "int").code()).isZero();
    assertThat(command.run("incr", "n", "-7").out()).isEqualTo("-12\n");
  }

  @Test
  void standardInputIsTakenByteForByte() {
    byte[] bytes = {'a', '\n', 0, (byte) 0xFF, '\r', '\n'};
    assertThat(command.runWithInput(bytes, "set", "k", "-").code()).isZero();
    assertThat(command.run("get", "--raw", "k").bytes()).isEqualTo(bytes);
    assertThat(command.run("get", "k", "--hex").code()).isEqualTo(ExitCode.USAGE);
    assertThat(command.run("get", "6b", "--hex").out()).isEqualTo("610a00ff0d0a\n");
    assertThat(command.run("get", "aw==", "--base64").out()).isEqualTo("YQoA/w0K\n");
    assertThat(command.runWithInput("42\n", "set", "n", "-", "--type", "int").code()).isZero();
    assertThat(command.run("get", "n").out()).isEqualTo("42\n");
  }

  @Test
  void aFileIsTakenByteForByte() throws IOException {
    Path file = temporary.resolve("value");
    Files.writeString(file, "from\na file");
    assertThat(command.run("set", "k", "@" + file).code()).isZero();
    assertThat(command.run("get", "--raw", "k").out()).isEqualTo("from\na file");
  }

  @Test
  void literalValuesMayLookLikeFilesAndStreams() {
    command.run("set", "--literal", "a", "-");
    command.run("set", "--literal", "b", "@x");
    assertThat(command.run("get", "a").out()).isEqualTo("-\n");
    assertThat(command.run("get", "b").out()).isEqualTo("@x\n");
  }

  @Test
  void twoDashesEndTheOptions() {
    assertThat(command.run("set", "--", "--help", "-x")).isEqualTo(silent());
    assertThat(command.run("get", "--", "--help").out()).isEqualTo("-x\n");
  }

  @Test
  void keysOfAnyBytesAreReachable() {
    command.run("set", "--hex", "00ff0a", "fe");
    assertThat(command.run("get", "--hex", "00FF0A").out()).isEqualTo("fe\n");
    assertThat(command.run("get", "--base64", "AP8K").out()).isEqualTo("/g==\n");
    assertThat(command.run("rm", "--base64", "AP8K").code()).isZero();
  }

  @Test
  void textOutsideOfAsciiSurvives() {
    command.run("set", "ключ", "日本語 \uD83D\uDE00");
    assertThat(command.run("get", "ключ").bytes())
        .isEqualTo("日本語 \uD83D\uDE00\n".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void existsTellsInWordsAndByExitCode() {
    command.run("set", "a", "");
    assertThat(command.run("exists", "a")).isEqualTo(result(0, "true\n"));
    assertThat(command.run("exists", "b")).isEqualTo(result(1, "false\n"));
    assertThat(command.run("get", "a").out()).isEqualTo("\n");
  }

  @Test
  void incrAddsToIntegersAlone() {
    assertThat(command.run("incr", "n").out()).isEqualTo("1\n");
    assertThat(command.run("incr", "n", "41").out()).isEqualTo("42\n");
    command.run("set", "s", "5");
    Outcome ofText = command.run("incr", "s");
    assertThat(ofText.code()).isEqualTo(ExitCode.STORE_ERROR);
    assertThat(ofText.errLines()).hasSize(1);
    command.run("set", "max", "9223372036854775807", "--type", "int");
    assertThat(command.run("incr", "max").err()).contains("does not fit");
    assertThat(command.run("get", "max").out()).isEqualTo("9223372036854775807\n");
  }

  @Test
  void conditionsAreToldInWordsAndByExitCode() {
    assertThat(command.run("setnx", "k", "1")).isEqualTo(result(0, "true\n"));
    assertThat(command.run("setnx", "k", "2")).isEqualTo(result(1, "false\n"));
    assertThat(command.run("cas", "k", "2", "3")).isEqualTo(result(1, "false\n"));
    assertThat(command.run("cas", "k", "1", "3")).isEqualTo(result(0, "true\n"));
    assertThat(command.run("get", "k").out()).isEqualTo("3\n");
    command.run("set", "n", "7", "--type", "int");
    assertThat(command.run("cas", "n", "7", "8").code()).isZero();
  }

  @Test
  void theOptionGoesBeforeTheEnvironmentAndStandsAnywhere() {
    String one = temporary.resolve("one").toString();
    String two = temporary.resolve("two").toString();
    Map<String, String> env = Map.of("KVSTORE_DATA_DIR", one);
    assertThat(CommandRun.runPlain(env, "set", "k", "in one").code()).isZero();
    assertThat(CommandRun.runPlain(env, "set", "k", "in two", "--data-dir", two).code()).isZero();
    assertThat(CommandRun.runPlain(env, "get", "k").out()).isEqualTo("in one\n");
    assertThat(CommandRun.runPlain(env, "-d", two, "get", "k").out()).isEqualTo("in two\n");
    assertThat(CommandRun.runPlain(env, "get", "--data-dir=" + two, "k").out())
        .isEqualTo("in two\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"always", "os", "every:1ms", "every:1h"})
  void everyDurabilityStores(String durability) {
    assertThat(command.run("--durability", durability, "set", "k", "v").code()).isZero();
    assertThat(command.run("get", "k").out()).isEqualTo("v\n");
  }

  private static Outcome silent() {
    return result(0, "");
  }

  private static Outcome notFound() {
    return new Outcome(1, new byte[0], "Key not found\n");
  }

  private static Outcome result(int code, String out) {
    return new Outcome(code, out.getBytes(StandardCharsets.UTF_8), "");
  }
}

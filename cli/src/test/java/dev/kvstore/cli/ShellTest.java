package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvstore.cli.CommandRun.Outcome;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShellTest {
  @TempDir private Path temporary;
  private CommandRun command;

  @BeforeEach
  void makeCommand() {
    command = new CommandRun(temporary.resolve("store"));
  }

  @Test
  void runsTheLinesOfAPipeAndPrintsResultsAlone() {
    Outcome outcome =
        command.runWithInput(
            """
            # fill
            set a 1
            set 'two words' "x \\"y\\" 'z'"

            get a
            get "two words"
            incr n 5
            count
            """,
            "shell");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out()).isEqualTo("1\nx \"y\" 'z'\n5\n3\n");
    assertThat(outcome.code()).isZero();
    assertThat(command.run("get", "a").out()).isEqualTo("1\n");
  }

  @Test
  void goesOnAfterAFailureAndEndsWithTheLastOne() {
    Outcome outcome = command.runWithInput("frobnicate\nset a 1\nget nope\nget a\n", "shell");
    assertThat(outcome.out()).isEqualTo("1\n");
    assertThat(outcome.code()).isEqualTo(ExitCode.NOT_FOUND);
    assertThat(outcome.errLines()).hasSize(2);
    assertThat(command.runWithInput("get 'a\nget a\n", "shell").code()).isEqualTo(ExitCode.USAGE);
  }

  @Test
  void exitEndsIt() {
    Outcome outcome = command.runWithInput("set a 1\nexit\nset a 2\n", "shell");
    assertThat(outcome.code()).isZero();
    assertThat(command.run("get", "a").out()).isEqualTo("1\n");
  }

  @Test
  void verbsThatWantTheFilesForThemselvesGetThem() {
    Outcome outcome =
        command.runWithInput(
            "set a 1\nverify\nset b 2\ninspect --limit 1\ncompact\ncount\n", "shell");
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    assertThat(outcome.lines().getLast()).isEqualTo("2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "shell",
        "demo",
        "torture",
        "bench",
        "get a --data-dir other",
        "set a -",
        "import -"
      })
  void whatMakesNoSenseInsideIsRefused(String line) {
    command.run("set", "a", "1");
    Outcome outcome = command.runWithInput(line + "\n", "shell");
    assertThat(outcome.code()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.errLines()).hasSize(1);
    assertThat(command.run("get", "a").out()).isEqualTo("1\n");
  }

  @Test
  void onlyReadingMakesNoStore() {
    Outcome outcome = command.runWithInput("get a\ncount\n", "shell");
    assertThat(outcome.out()).isEqualTo("0\n");
    assertThat(temporary.resolve("store")).doesNotExist();
  }

  @Test
  void readOnlyRefusesWrites() {
    command.run("set", "a", "1");
    Outcome outcome = command.runWithInput("get a\nset a 2\nget a\n", "shell", "--read-only");
    assertThat(outcome.out()).isEqualTo("1\n1\n");
    assertThat(outcome.code()).isEqualTo(ExitCode.STORE_ERROR);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "a b,a|b",
        "` 'a b'  c # d`,a b|c",
        "a#b,a#b",
        "\"a\\\"b\\n\",a\"b\\n",
        "a\\ b'',a b",
        "'',``",
        "'\\',\\",
      })
  void wordsAreSplitAsUnixShellsDo(String line, String words) {
    assertThat(String.join("|", ShellWords.split(line))).isEqualTo(words);
  }

  @ParameterizedTest
  @ValueSource(strings = {"'a", "\"a", "a\\", "\"a\\\""})
  void openQuotesAreRefused(String line) {
    assertThatThrownBy(() -> ShellWords.split(line)).isInstanceOf(BadInputException.class);
  }
}

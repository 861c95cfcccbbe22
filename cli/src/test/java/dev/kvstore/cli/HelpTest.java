package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.cli.CommandRun.Outcome;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class HelpTest {
  static Stream<String> verbs() {
    return Stream.concat(Verbs.NAMES.stream(), Stream.of("delete", "del"));
  }

  @Test
  void helpListsEveryVerbWithAWordAboutIt() {
    Outcome outcome = CommandRun.runPlain(Map.of(), "--help");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.err()).isEmpty();
    for (String verb : Verbs.NAMES) {
      assertThat(outcome.lines())
          .anyMatch(line -> line.matches("  " + verb + "\\b.* {2,}[A-Z].*\\."));
    }
    assertThat(outcome.out()).contains("KVSTORE_DATA_DIR", "Exit codes");
    assertThat(CommandRun.runPlain(Map.of(), "help")).isEqualTo(outcome);
    assertThat(CommandRun.runPlain(Map.of(), "-h", "get")).isEqualTo(outcome);
  }

  @ParameterizedTest
  @MethodSource("verbs")
  void everyVerbExplainsItselfAndKnowsTheVersion(String verb) {
    Outcome help = CommandRun.runPlain(Map.of(), verb, "--help");
    assertThat(help.code()).isZero();
    assertThat(help.err()).isEmpty();
    assertThat(help.out())
        .startsWith("Usage: kvstore " + Verbs.nameOf(verb))
        .contains("--data-dir", "--durability", "--version");
    assertThat(help.lines()).allMatch(line -> line.length() <= 100);
    assertThat(CommandRun.runPlain(Map.of(), "help", verb)).isEqualTo(help);
    assertThat(CommandRun.runPlain(Map.of(), verb, "--version"))
        .isEqualTo(CommandRun.runPlain(Map.of(), "--version"));
  }

  @Test
  void theVersionIsOneLine() {
    assertThat(CommandRun.runPlain(Map.of(), "--version").out()).matches("kvstore \\S+ .*\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh"})
  void completionIsAScriptThatKnowsVerbsAndOptions(String shell, @TempDir Path temporary)
      throws Exception {
    Outcome outcome = CommandRun.runPlain(Map.of(), "completion", shell);
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out()).contains("salvage", "--skip-bad", "--data-dir");
    Path script = Files.writeString(temporary.resolve("script"), outcome.out());
    Process bash =
        new ProcessBuilder("bash", "-n", script.toString()).redirectErrorStream(true).start();
    assertThat(new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8)).isEmpty();
    assertThat(bash.waitFor()).isZero();
  }
}

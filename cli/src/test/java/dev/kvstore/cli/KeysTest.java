package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeysTest {
  @TempDir private Path temporary;
  private CommandRun command;

  @BeforeEach
  void makeStore() {
    command = new CommandRun(temporary.resolve("store"));
    String lines =
        IntStream.range(0, 100)
            .mapToObj(i -> String.format("{\"key\":\"user:%02d\",\"value\":\"v\"}%n", i))
            .collect(Collectors.joining());
    command.runWithInput(lines, "import", "-");
  }

  @Test
  void listsEachKeyOnce() {
    assertThat(command.run("keys").lines()).hasSize(100).doesNotHaveDuplicates();
    assertThat(command.run("count").out()).isEqualTo("100\n");
    assertThat(command.run("count", "--json").out()).isEqualTo("{\"count\":100}\n");
  }

  @Test
  void choosesByPrefixAndPattern() {
    assertThat(command.run("keys", "--prefix", "user:1", "--sort").lines())
        .hasSize(10)
        .startsWith("user:10", "user:11");
    assertThat(command.run("keys", "--pattern", "user:?[5-6]").lines()).hasSize(20);
    assertThat(command.run("keys", "--pattern", "*:9[!0-8]").lines()).containsExactly("user:99");
    assertThat(command.run("keys", "--hex", "--prefix", "757365723a3939").out())
        .isEqualTo("757365723a3939\n");
    assertThat(command.run("keys", "--prefix", "nobody").out()).isEmpty();
  }

  @Test
  void stopsAtTheLimit() {
    assertThat(command.run("keys", "--limit", "7").lines()).hasSize(7);
    assertThat(command.run("keys", "--limit", "0").out()).isEmpty();
    assertThat(command.run("keys", "--sort", "--limit", "2").lines())
        .containsExactly("user:00", "user:01");
  }

  @Test
  void whatATerminalWouldObeyIsEscapedAndExactInJson() {
    CommandRun other = new CommandRun(temporary.resolve("other"));
    other.run("set", "--hex", "611b5b326a0a", "");
    assertThat(other.run("keys").out()).isEqualTo("a\\u{1b}[2j\\n\n");
    assertThat(other.run("keys", "--json").out()).isEqualTo("{\"key\":\"a\\u001B[2j\\n\"}\n");
    other.run("rm", "--hex", "611b5b326a0a");
    other.run("set", "--hex", "ff5c41", "");
    assertThat(other.run("keys").out()).isEqualTo("\\xff\\\\A\n");
    assertThat(other.run("keys", "--json").out()).isEqualTo("{\"keyBase64\":\"/1xB\"}\n");
  }

  @Test
  void aStoreThatDoesNotExistHasNoKeys() {
    CommandRun none = new CommandRun(temporary.resolve("none"));
    assertThat(none.run("keys")).isEqualTo(none.run("export"));
    assertThat(none.run("keys").code()).isZero();
    assertThat(none.run("count").out()).isEqualTo("0\n");
    assertThat(none.run("stats").code()).isZero();
    assertThat(temporary.resolve("none")).doesNotExist();
  }
}

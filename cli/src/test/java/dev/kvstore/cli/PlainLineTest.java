package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.cli.CommandRun.Outcome;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainLineTest {
  @TempDir private Path temporary;

  @Test
  void readsLinesAsTheParserDoes() {
    List<Outcome> plain = new ArrayList<>();
    List<Outcome> parsed = new ArrayList<>();
    CommandRun first = new CommandRun(temporary.resolve("first"));
    CommandRun second = new CommandRun(temporary.resolve("second"));
    for (String line :
        List.of(
            "set a 1",
            "get a",
            "set a @nowhere",
            "set b 2",
            "exists b",
            "exists c",
            "get c",
            "count",
            "rm a c",
            "del b",
            "incr n",
            "incr n",
            "get n",
            "incr",
            "count",
            "count x",
            "get",
            "set a",
            "rm",
            "delete n")) {
      String[] words = line.split(" ");
      plain.add(first.run(words));
      String[] unusual = new String[words.length + 1];
      System.arraycopy(words, 0, unusual, 0, words.length);
      unusual[words.length] = "--durability=os";
      parsed.add(second.run(unusual));
    }
    assertThat(plain).isEqualTo(parsed);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "get",
        "get a b",
        "get --raw a",
        "get -- a",
        "set a -",
        "set a -1",
        "incr a 5",
        "keys",
        "--help",
        "get --help",
        "-d x -d y get a",
        "-d",
        "get a -d",
        "--data-dir=x get a",
        "frobnicate",
        "-d --help get a",
        "count x"
      })
  void leavesWhatIsUnusualToTheParser(String line) {
    assertThat(PlainLine.parse(line.isEmpty() ? new String[0] : line.split(" "), command()))
        .isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"get a", "-d x get a", "get -d x a", "get a --data-dir x", "rm a b c"})
  void understandsWhatIsPlain(String line) {
    assertThat(PlainLine.parse(line.split(" "), command())).isInstanceOf(Verb.class);
  }

  private static Kvstore command() {
    Streams nowhere =
        Streams.of(
            InputStream.nullInputStream(),
            OutputStream.nullOutputStream(),
            OutputStream.nullOutputStream(),
            Map.of());
    return new Kvstore(nowhere, new Interrupts(), StoreAccess.oneShot());
  }
}

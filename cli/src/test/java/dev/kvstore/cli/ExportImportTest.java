package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Value;
import dev.kvstore.cli.CommandRun.Outcome;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExportImportTest {
  @TempDir private Path temporary;
  private Path directory;
  private CommandRun command;

  @BeforeEach
  void makeCommand() {
    directory = temporary.resolve("store");
    command = new CommandRun(directory);
  }

  @ParameterizedTest
  @ValueSource(strings = {"jsonl", "csv", "tsv"})
  void whatIsExportedComesBackByteForByte(String format) {
    List<Entry> entries = awkward();
    try (KvStore store = KvStore.open(directory)) {
      store.putAll(entries);
    }
    Path file = temporary.resolve("out." + format);
    assertThat(command.run("export", file.toString()).err()).isEmpty();
    Path copied = temporary.resolve("copy");
    Outcome imported = new CommandRun(copied).run("import", file.toString());
    assertThat(imported.err()).isEmpty();
    assertThat(imported.out()).startsWith("imported " + Units.count(entries.size()) + " records");
    try (KvStore store = KvStore.open(copied)) {
      assertThat(store.size()).isEqualTo(entries.size());
      for (Entry entry : entries) {
        assertSame(store.getValue(entry.key()).orElseThrow(), entry.value());
      }
    }
  }

  private static void assertSame(Value found, Value expected) {
    assertThat(found.encoding()).isEqualTo(expected.encoding());
    assertThat(found.toBytes()).isEqualTo(expected.toBytes());
  }

  private static List<Entry> awkward() {
    List<Value> values =
        new ArrayList<>(
            List.of(
                Value.of(""),
                Value.of(new byte[0]),
                Value.of("text\nof\r\nlines\t\"quoted\", \\ \0 and more "),
                Value.of("key,value,type"),
                Value.of("\uD83D\uDE00\u2028\u202E"),
                Value.of("text as bytes".getBytes(StandardCharsets.UTF_8)),
                Value.of(new byte[] {(byte) 0xC0, (byte) 0x80, 0, -1}),
                Value.of(Long.MIN_VALUE),
                Value.of(Long.MAX_VALUE),
                Value.of(0L),
                Value.of(0.0),
                Value.of(-0.0),
                Value.of(Double.NaN),
                Value.of(Double.longBitsToDouble(0x7FF0000000000001L)),
                Value.of(Double.NEGATIVE_INFINITY),
                Value.of(Double.POSITIVE_INFINITY),
                Value.of(Double.MIN_VALUE),
                Value.of(Double.MAX_VALUE),
                Value.of(1.0),
                Value.of("x".repeat(1 << 20))));
    List<Entry> entries = new ArrayList<>();
    for (Value value : values) {
      entries.add(new Entry(("n" + entries.size()).getBytes(StandardCharsets.UTF_8), value));
    }
    Value small = Value.of("v");
    for (String key :
        List.of("key", "value", " ", "\n", "\r\n", "\"", ",", "\t", "\\t", "\uFEFFx", "{", "#")) {
      entries.add(new Entry(key.getBytes(StandardCharsets.UTF_8), small));
    }
    for (int b = 0; b < 256; b++) {
      entries.add(new Entry(new byte[] {(byte) b, (byte) 0xFE}, small));
    }
    entries.add(new Entry(new byte[KvStore.KEY_BYTES_MAX], small));
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 3000; i++) {
      byte[] key = new byte[12];
      byte[] value = new byte[random.nextInt(60)];
      random.nextBytes(key);
      random.nextBytes(value);
      entries.add(Entry.of(key, value));
    }
    return entries;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"key\":1,\"value\":\"x\"}",
        "{\"key\":\"a\"}",
        "{\"value\":\"a\"}",
        "{}",
        "[]",
        "17",
        "null",
        "{\"key\":\"a\",\"value\":\"b\"",
        "{\"key\":\"a\",\"value\":\"b\"} {}",
        "{\"key\":\"a\",\"value\":\"b\",\"key\":\"c\"}",
        "{\"key\":\"a\",\"keyBase64\":\"YQ==\",\"value\":\"b\"}",
        "{\"key\":\"a\",\"value\":\"b\",\"valueBase64\":\"YQ==\"}",
        "{\"key\":\"a\",\"value\":\"b\",\"ttl\":5}",
        "{\"key\":\"a\",\"value\":null}",
        "{\"key\":\"a\",\"value\":true}",
        "{\"key\":\"a\",\"value\":[1]}",
        "{\"key\":\"a\",\"value\":9223372036854775808}",
        "{\"key\":\"a\",\"value\":1e999}",
        "{\"key\":\"a\",\"value\":NaN}",
        "{\"key\":\"a\",\"value\":1,\"type\":\"string\"}",
        "{\"key\":\"a\",\"value\":1.5,\"type\":\"int\"}",
        "{\"key\":\"a\",\"value\":\"x\",\"type\":\"float\"}",
        "{\"key\":\"a\",\"value\":\"x\",\"type\":\"blob\"}",
        "{\"key\":\"a\",\"value\":\"x\",\"type\":1}",
        "{\"key\":\"a\",\"valueBase64\":\"AA==\",\"type\":\"int\"}",
        "{\"key\":\"a\",\"valueBase64\":\"/w==\",\"type\":\"string\"}",
        "{\"key\":\"a\",\"valueBase64\":\"*\"}",
        "{\"key\":\"\",\"value\":\"b\"}",
        "{\"key\":\"a\",\"value\":\"\\uD800\"}",
        "{'key':'a','value':'b'}",
        "key,value",
      })
  void aBadLineEndsTheImportWithItsNumberAndLeavesThePrefix(String bad) {
    String input = "{\"key\":\"one\",\"value\":1}\n\n" + bad + "\n{\"key\":\"two\",\"value\":2}\n";
    Outcome outcome = command.runWithInput(input, "import", "-");
    assertThat(outcome.code()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.errLines()).hasSize(1);
    assertThat(outcome.err()).startsWith("kvstore: line 3: ").contains("1 record");
    assertThat(command.run("keys").out()).isEqualTo("one\n");

    Outcome skipping = command.runWithInput(input, "import", "-", "--skip-bad", "--json");
    assertThat(skipping.code()).isZero();
    assertThat(skipping.out()).startsWith("{\"imported\":2,\"skipped\":1,");
    assertThat(command.run("get", "two").out()).isEqualTo("2\n");
  }

  @Test
  void bytesThatAreNotUtf8MakeABadLine() {
    byte[] line = "{\"key\":\"a?\",\"value\":\"b\"}\n".getBytes(StandardCharsets.UTF_8);
    line[9] = (byte) 0xC0;
    assertThat(command.runWithInput(line, "import", "-").err()).contains("line 1: not UTF-8");
    byte[] row = {'a', ',', (byte) 0xFF, '\n'};
    assertThat(command.runWithInput(row, "import", "-", "--format", "csv").err())
        .contains("line 1: not UTF-8");
  }

  @Test
  void typesFollowFromJson() {
    command.runWithInput(
        """
        \uFEFF{"key":"i","value":-0}
        {"value":1.0,"key":"f"}\r
        {"key":"s","value":"1"}
        {"key":"f2","value":3,"type":"float"}
        {"key":"i2","value":"-3","type":"int"}
        {"keyBase64":"Yg==","valueBase64":"/w=="}\
        """,
        "import",
        "-");
    assertThat(command.run("get", "i", "--json").out()).contains("\"value\":0,\"type\":\"int\"");
    assertThat(command.run("get", "f", "--json").out()).contains("1.0,\"type\":\"float\"");
    assertThat(command.run("get", "s", "--json").out()).contains("\"1\",\"type\":\"string\"");
    assertThat(command.run("get", "f2", "--json").out()).contains("3.0,\"type\":\"float\"");
    assertThat(command.run("get", "i2", "--json").out()).contains("-3,\"type\":\"int\"");
    assertThat(command.run("get", "b", "--json").out()).contains("\"/w==\",\"type\":\"bytes\"");
  }

  @ParameterizedTest
  @CsvSource({
    "'a,1\nb,2\n', 'a=1 b=2'",
    "'key,value\na,1\nb,2', 'a=1 b=2'",
    "'value,key\n1,a\n2,b\n', 'a=1 b=2'",
    "'key,value,type\r\na,1,int\r\n\r\nb,2.0,float\r\n', 'a=1 b=2.0'",
    "'\"a\",\"x\"\"y,\nz\"\nb,\n', 'a=x\"y,\nz b='",
    "'a,1,string\nb,2\n', 'a=1 b=2'",
  })
  void csvIsReadAsItIsMeant(String csv, String expected) throws IOException {
    Path file = Files.writeString(temporary.resolve("in.csv"), csv);
    assertThat(command.run("import", file.toString()).err()).isEmpty();
    String found =
        Stream.of("a", "b")
            .map(key -> key + "=" + command.run("get", "--raw", key).out())
            .collect(Collectors.joining(" "));
    assertThat(found).isEqualTo(expected);
    assertThat(command.run("count").out()).isEqualTo("2\n");
  }

  @Test
  void aHeaderCanBeData() {
    command.runWithInput("key,value\n", "import", "-", "--format", "csv", "--no-header");
    assertThat(command.run("get", "key").out()).isEqualTo("value\n");
  }

  @ParameterizedTest
  @CsvSource({
    "csv, 'a,1\nb\nc,3\n', 2",
    "csv, 'a,1\nb,2,int,4\nc,3\n', 2",
    "csv, 'a,1\nb\"b,2\nc,3\n', 2",
    "csv, 'a,\"1\n\"\n\"b\"b,2\nc,3\n', 3",
    "csv, 'a,1\nb,2,blob\nc,3\n', 2",
    "csv, 'a,1\nb,x,int\nc,3\n', 2",
    "csv, 'a,1\n,2\nc,3\n', 2",
    "csv, 'a,1\nb\rb,2\nc,3\n', 2",
    "csv, 'a,1\nb,*,bytes;value=base64\nc,3\n', 2",
    "tsv, 'a\t1\nb\nc\t3\n', 2",
    "tsv, 'a\t1\nb\\x\t1\nc\t3\n', 2",
    "tsv, 'a\t1\nb\t1\\\nc\t3\n', 2",
  })
  void badRowsAreNamedAndSkipped(String format, String input, long line) {
    Outcome outcome = command.runWithInput(input, "import", "-", "--format", format);
    assertThat(outcome.code()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.err()).startsWith("kvstore: line " + line + ": ");
    assertThat(outcome.errLines()).hasSize(1);
    assertThat(command.run("keys").out()).isEqualTo("a\n");
    Outcome skipping = command.runWithInput(input, "import", "-", "--skip-bad", "--format", format);
    assertThat(skipping.out()).startsWith("imported 2 records, skipped 1 bad line");
    assertThat(command.run("exists", "c").code()).isZero();
  }

  @Test
  void aQuoteThatIsNeverClosedIsABadLine() {
    Outcome outcome = command.runWithInput("a,1\n\"b,2\nc,3\n", "import", "-", "--format", "csv");
    assertThat(outcome.err()).startsWith("kvstore: line 2: a quote is not closed");
  }

  @Test
  void linesHaveABound() throws Exception {
    InputStream in =
        new ByteArrayInputStream("1234567\n12345678\n\nx".getBytes(StandardCharsets.UTF_8));
    LineReader lines = new LineReader(in, 7);
    assertThat(lines.next()).isTrue();
    assertThat(lines.isTooLong()).isFalse();
    assertThat(lines.next()).isTrue();
    assertThat(lines.isTooLong()).isTrue();
    assertThat(lines.next()).isTrue();
    assertThat(lines.length()).isZero();
    assertThat(lines.next()).isTrue();
    assertThat(lines.number()).isEqualTo(4);
    assertThat(lines.next()).isFalse();
  }

  @Test
  void anInterruptLeavesAPrefixAndSaysHowLong() {
    int count = 20_000;
    String input =
        IntStream.range(0, count)
            .mapToObj(i -> "{\"key\":\"k" + i + "\",\"value\":" + i + "}\n")
            .collect(Collectors.joining());
    Interrupts interrupts = new Interrupts();
    InputStream in =
        new FilterInputStream(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8))) {
          private int reads;

          @Override
          public int read(byte[] bytes, int offset, int length) throws IOException {
            if (++reads == 5) {
              interrupts.fire();
            }
            return super.read(bytes, offset, length);
          }
        };
    Outcome outcome = command.run(in, interrupts, "import", "-");
    assertThat(outcome.code()).isEqualTo(ExitCode.INTERRUPTED);
    assertThat(outcome.errLines()).hasSize(1);
    assertThat(outcome.err()).contains("interrupted");
    try (KvStore store = KvStore.open(directory)) {
      int size = Math.toIntExact(store.size());
      assertThat(size).isPositive().isLessThan(count);
      assertThat(outcome.err()).contains(Units.count(size) + " records");
      for (int i = 0; i < size; i++) {
        assertThat(store.getLong("k" + i)).hasValue(i);
      }
    }
  }

  @Test
  void aReadErrorLeavesAPrefix() {
    InputStream in =
        new InputStream() {
          private boolean failed;

          @Override
          public int read() throws IOException {
            throw new IOException("unused");
          }

          @Override
          public int read(byte[] bytes, int offset, int length) throws IOException {
            if (failed) {
              throw new IOException("the disk is gone");
            }
            failed = true;
            byte[] line = "{\"key\":\"a\",\"value\":1}\n{\"key\":".getBytes(StandardCharsets.UTF_8);
            System.arraycopy(line, 0, bytes, offset, line.length);
            return line.length;
          }
        };
    Outcome outcome = command.run(in, new Interrupts(), "import", "-");
    assertThat(outcome.err()).contains("the disk is gone");
    assertThat(outcome.errLines()).hasSize(1);
    assertThat(command.run("keys").out()).isEqualTo("a\n");
  }

  @Test
  void anExportThatFailsLeavesTheOldFile() throws IOException {
    Path file = Files.writeString(temporary.resolve("old.csv"), "precious");
    Path notAStore = Files.writeString(temporary.resolve("file"), "");
    assertThat(new CommandRun(notAStore).run("export", file.toString()).code())
        .isEqualTo(ExitCode.STORE_ERROR);
    assertThat(file).hasContent("precious");
    try (Stream<Path> files = Files.list(temporary)) {
      assertThat(files).containsExactlyInAnyOrder(file, notAStore);
    }
    command.run("set", "k", "v");
    assertThat(command.run("export", file.toString()).code()).isZero();
    assertThat(file).hasContent("key,value,type\nk,v,string");
  }

  @Test
  void anExportChoosesKeys() {
    command.run("set", "a1", "1");
    command.run("set", "b1", "2");
    assertThat(command.run("export", "--prefix", "b").out())
        .isEqualTo("{\"key\":\"b1\",\"value\":\"2\",\"type\":\"string\"}\n");
    assertThat(command.run("export", "--format", "tsv", "--pattern", "a*").lines())
        .containsExactly("key\tvalue\ttype", "a1\t1\tstring");
    assertThat(command.run("export", "--limit", "0").out()).isEmpty();
  }
}

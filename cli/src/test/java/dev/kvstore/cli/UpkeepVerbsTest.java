package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.KvStore;
import dev.kvstore.RecordInfo;
import dev.kvstore.StoreInspector;
import dev.kvstore.cli.CommandRun.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UpkeepVerbsTest {
  private static final int KEYS = 200;

  @TempDir private Path temporary;
  private Path directory;
  private CommandRun command;

  @BeforeEach
  void makeStore() {
    directory = temporary.resolve("store");
    command = new CommandRun(directory);
    try (KvStore store = KvStore.open(directory)) {
      for (int round = 0; round < 3; round++) {
        for (int i = 0; i < KEYS; i++) {
          store.put("key" + i, "value " + round + " of " + i);
        }
      }
    }
  }

  @Test
  void statsTellWhereTheBytesAre() {
    Outcome people = command.run("stats");
    assertThat(people.code()).isZero();
    assertThat(people.lines()).anyMatch(line -> line.matches("keys +200"));
    assertThat(people.out()).contains("on disk", "garbage", "compaction", "next victim", "segment");
    String json = command.run("stats", "--json").out();
    assertThat(json)
        .startsWith("{\"keys\":200,\"diskBytes\":")
        .contains("\"compactionState\":\"", "\"nextVictim\":", "\"segments\":[{\"id\":");
  }

  @Test
  void compactionFreesWhatWasReplaced() throws IOException {
    long before = bytesOf(directory);
    Outcome outcome = command.run("compact");
    assertThat(outcome.code()).as(outcome.toString()).isZero();
    assertThat(outcome.out()).startsWith("compacted ");
    assertThat(outcome.err()).isEmpty();
    assertThat(bytesOf(directory)).isLessThan(before);
    assertThat(command.run("get", "key7").out()).isEqualTo("value 2 of 7\n");
    assertThat(command.run("compact", "--json").out()).startsWith("{\"segmentsRemoved\":");
  }

  @Test
  void verifyIsContentWithAnIntactStore() {
    Outcome outcome = command.run("verify");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.lines().getLast()).startsWith("intact: ");
    assertThat(command.run("verify", "--json").out()).startsWith("{\"intact\":true,");
  }

  @Test
  void verifyNamesFileAndOffsetOfDamageAndSalvageCopiesTheRest() throws IOException {
    RecordInfo victim;
    try (Stream<RecordInfo> records = StoreInspector.records(directory)) {
      victim =
          records
              .filter(record -> new String(record.key(), StandardCharsets.UTF_8).equals("key100"))
              .reduce((first, second) -> second)
              .orElseThrow();
    }
    Path file = directory.resolve(victim.file());
    byte[] bytes = Files.readAllBytes(file);
    bytes[Math.toIntExact(victim.offset() + victim.bytes() - 9)] ^= 1;
    Files.write(file, bytes);
    Map<String, String> before = contents(directory);

    Outcome verified = command.run("verify");
    assertThat(verified.code()).isEqualTo(ExitCode.STORE_ERROR);
    assertThat(verified.out()).contains("damage: " + victim.file() + " @ " + victim.offset());
    assertThat(verified.errLines()).hasSize(1);
    assertThat(command.run("verify", "--json").out()).startsWith("{\"intact\":false,");
    assertThat(command.run("get", "key100").code()).isEqualTo(ExitCode.STORE_ERROR);
    assertThat(command.run("get", "key1").out()).isEqualTo("value 2 of 1\n");
    assertThat(command.run("inspect").out()).contains("BAD");

    Path target = temporary.resolve("salvaged");
    Outcome salvaged = command.run("salvage", "--to", target.toString());
    assertThat(salvaged.code()).as(salvaged.toString()).isZero();
    assertThat(salvaged.out()).contains("salvaged ", victim.file());
    assertThat(new CommandRun(target).run("get", "key1").out()).isEqualTo("value 2 of 1\n");
    assertThat(new CommandRun(target).run("verify").code()).isZero();
    assertThat(contents(directory)).isEqualTo(before);
    assertThat(command.run("salvage", "--to", target.toString()).code())
        .isEqualTo(ExitCode.STORE_ERROR);
  }

  @Test
  void salvageTellsWhereEachRecordComesFromUnlessToldNotTo() throws IOException {
    Path target = temporary.resolve("salvaged");
    Outcome outcome = command.run("salvage", "--to", target.toString());
    assertThat(outcome.out()).contains("; see " + target.toRealPath().resolve("SALVAGE.jsonl"));
    List<String> lines = Files.readAllLines(target.resolve("SALVAGE.jsonl"));
    assertThat(lines).hasSize(KEYS + 2);
    assertThat(lines.getLast()).contains("\"type\": \"end\", \"keys\": " + KEYS);
    Path plain = temporary.resolve("plain");
    Outcome without = command.run("salvage", "--no-provenance", "--json", "--to", plain.toString());
    assertThat(without.out())
        .startsWith("{\"keys\":200,")
        .contains("\"dropped\":[],\"provenance\":null,");
    assertThat(plain.resolve("SALVAGE.jsonl")).doesNotExist();
    Outcome inside = command.run("salvage", "--to", directory.resolve("rescued").toString());
    assertThat(inside.code()).isEqualTo(ExitCode.STORE_ERROR);
    assertThat(inside.err()).contains("inside");
  }

  @Test
  void recoveryTellsWhatOpensHaveFound() throws IOException {
    assertThat(command.run("recovery").out()).startsWith("nothing: ");
    assertThat(command.run("recovery", "--json").out()).isEmpty();
    Path killed = temporary.resolve("killed");
    try (KvStore store = KvStore.open(directory)) {
      store.put("under way", "when the process was killed");
      Files.createDirectories(killed);
      try (Stream<Path> files = Files.list(directory)) {
        for (Path file : files.filter(file -> !file.endsWith("LOCK")).toList()) {
          Files.copy(file, killed.resolve(file.getFileName()));
        }
      }
    }
    RecordInfo last;
    try (Stream<RecordInfo> records = StoreInspector.records(killed)) {
      last = records.filter(r -> r.sequence() == 3 * KEYS + 1).findFirst().orElseThrow();
    }
    Path file = killed.resolve(last.file());
    byte[] bytes = Files.readAllBytes(file);
    bytes[Math.toIntExact(last.offset() + last.bytes() - 9)] ^= 1;
    // A mark behind it would say that it was durable.
    Arrays.fill(bytes, Math.toIntExact(last.offset() + last.bytes()), bytes.length, (byte) 0);
    Files.write(file, bytes);
    CommandRun ofKilled = new CommandRun(killed);
    assertThat(ofKilled.run("set", "and", "goes on").code()).isZero();
    Outcome people = ofKilled.run("recovery");
    assertThat(people.lines()).hasSize(1);
    assertThat(people.out())
        .matches(
            "(?s)20..-..-..T..:..:.*Z  RECOVERED, [0-9]+ bytes cut in 1 place \\(checksum.*\\)\n");
    Outcome machine = ofKilled.run("recovery", "--json");
    assertThat(machine.lines()).hasSize(1);
    assertThat(machine.out())
        .startsWith("{\"outcome\":\"RECOVERED\",\"openedAtMillis\":")
        .contains("\"keysHex\": [\"" + HexFormat.of().formatHex(last.key()) + "\"]");
    assertThat(new CommandRun(temporary.resolve("nothing")).run("recovery").code())
        .isEqualTo(ExitCode.STORE_ERROR);
    try (KvStore store = KvStore.open(killed)) {
      assertThat(store.size()).isEqualTo(KEYS + 1);
      assertThat(ofKilled.run("recovery").lines()).hasSize(1); // while it is open
    }
  }

  @Test
  void inspectWalksTheLogRecordByRecord() {
    command.run("rm", "key0");
    List<String> lines = command.run("inspect").lines();
    assertThat(lines.getFirst()).contains("offset", "kind", "sequence", "key");
    assertThat(lines.stream().filter(line -> line.contains(" PUT "))).hasSize(3 * KEYS);
    assertThat(lines.stream().filter(line -> line.contains(" DELETE "))).hasSize(1);
    assertThat(lines).noneMatch(line -> line.contains("BAD"));
    assertThat(command.run("inspect", "--limit", "3").lines()).hasSize(4);
    assertThat(command.run("inspect", "--json", "--limit", "1").out()).startsWith("{\"file\":\"");
  }

  @Test
  void inspectShowsTheBytesOfOneRecord() {
    RecordInfo put;
    try (Stream<RecordInfo> records = StoreInspector.records(directory)) {
      put = records.filter(r -> r.kind() == RecordInfo.Kind.PUT).findFirst().orElseThrow();
    }
    String offset = Long.toString(put.offset());
    Outcome outcome = command.run("inspect", put.file(), offset);
    assertThat(outcome.lines()).hasSize((int) ((put.bytes() + 15) / 16));
    assertThat(outcome.out()).contains("|");
    String hex =
        HexFormat.of().formatHex(StoreInspector.recordBytes(directory, put.file(), put.offset()));
    assertThat(command.run("inspect", put.file(), offset, "--json").out())
        .isEqualTo(
            "{\"file\":\""
                + put.file()
                + "\",\"offset\":"
                + offset
                + ",\"hex\":\""
                + hex
                + "\"}\n");
    assertThat(command.run("inspect", "nothing.seg", "0").code()).isEqualTo(ExitCode.USAGE);
    assertThat(command.run("inspect", "../store/" + put.file(), "0").code())
        .isEqualTo(ExitCode.USAGE);
  }

  @Test
  void readingChangesNoByte() throws IOException {
    Map<String, String> before = contents(directory);
    for (String line :
        List.of(
            "get key1",
            "exists key1",
            "keys",
            "count",
            "stats",
            "export",
            "inspect",
            "recovery",
            "verify")) {
      assertThat(command.run(line.split(" ")).code()).as(line).isZero();
      assertThat(contents(directory)).as(line).isEqualTo(before);
    }
  }

  private static Map<String, String> contents(Path directory) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(
            directory.relativize(file).toString(),
            HexFormat.of().formatHex(Files.readAllBytes(file)));
      }
    }
    return contents;
  }

  private static long bytesOf(Path directory) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }
}

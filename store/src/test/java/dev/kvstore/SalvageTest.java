package dev.kvstore;

import static dev.kvstore.testkit.JsonText.number;
import static dev.kvstore.testkit.JsonText.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.StoreInspector.Provenance;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What is salvaged is what was good, each record with where it came from; of a store without damage that
/// is everything, and nothing else.
@Timeout(120)
class SalvageTest {
  private static final String PROVENANCE = "SALVAGE.jsonl";
  private static final Options OPTIONS =
      Simulation.tiny(Durability.OS).toBuilder().compaction(CompactionPolicy.manual()).build();

  @TempDir private Path temporary;
  private Path directory;
  private Path target;

  @BeforeEach
  void name() {
    directory = temporary.resolve("store");
    target = temporary.resolve("target");
  }

  // ---- Stores to salvage

  /// A store of all types, with overwritten, deleted and batched keys, compacted in between.
  private static void work(KvStore store) {
    for (int i = 0; i < 200; i++) {
      store.put("overwritten" + i % 7, "text " + i);
    }
    store.compact();
    store.put("text", Value.of("Grüße, 世界 🌍"));
    store.put("integer", Value.of(Long.MIN_VALUE));
    store.put("zero", Value.of(-0.0));
    store.put("strange", Value.of(Double.longBitsToDouble(0x7FF8_0000_DEAD_BEEFL)));
    store.put(new byte[] {0, -1, 10, 0}, new byte[] {1, 2, 3, 0, -1});
    store.put("empty".getBytes(StandardCharsets.UTF_8), new byte[0]);
    store.put("long".getBytes(StandardCharsets.UTF_8), new byte[50_000]);
    byte[] longestKey = new byte[KvStore.KEY_BYTES_MAX];
    Arrays.fill(longestKey, (byte) 'k');
    store.put(longestKey, "of the longest key".getBytes(StandardCharsets.UTF_8));
    store.write(new WriteBatch().put("batch1", "one").delete("overwritten0").put("batch2", "two"));
    store.delete("overwritten1");
    for (int i = 0; i < 40; i++) {
      store.increment("counter", i);
    }
  }

  private void closed(Path path) {
    try (KvStore store = KvStore.open(path, OPTIONS)) {
      work(store);
    }
  }

  /// What is left of a store whose process was killed after these calls.
  private static void killed(Path path, Consumer<KvStore> calls) {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, OPTIONS);
    calls.accept(store);
    put(path, disk.image());
    Simulation.abandon(store);
    disk.discard();
  }

  private static void put(Path path, DiskImage image) {
    try {
      Files.createDirectories(path);
      for (Map.Entry<String, byte[]> file : image.files().entrySet()) {
        Files.write(path.resolve(file.getKey()), file.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Every key in hexadecimal, with the type and the bytes of its value.
  private static Map<String, String> contents(KvStore store) {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Entry> entries = store.entries()) {
      entries.forEach(entry ->
          contents.put(
              hex(entry.key()), entry.value().encoding() + " " + hex(entry.value().toBytes())));
    }
    return contents;
  }

  private static Map<String, String> contents(Path path) {
    try (KvStore store = KvStore.open(path, OPTIONS)) {
      return contents(store);
    }
  }

  /// What an open would show; nothing is changed by asking.
  private static Map<String, String> contentsAsTheyAre(Path path) {
    try (KvStore store = KvStore.open(path, OPTIONS.toBuilder().readOnly(true).build())) {
      return contents(store);
    }
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private SalvageReport salvage() {
    return StoreInspector.salvage(directory, target, Progress.NONE);
  }

  // ---- Harmless where nothing is wrong

  @Test
  void aStoreThatWasClosedIsCopiedToTheByte() {
    closed(directory);
    SalvageReport report = salvage();
    assertThat(report.damages()).isEmpty();
    assertThat(report.dropped()).isEmpty();
    Map<String, String> copied = contents(target);
    assertThat(copied).isEqualTo(contents(directory)).hasSize((int) report.keys());
    assertThat(copied.get(hex("strange".getBytes(StandardCharsets.UTF_8))))
        .isEqualTo("FLOAT64 efbeadde0000f87f");
    assertThat(StoreInspector.verify(target, Progress.NONE).isIntact()).isTrue();
    assertThat(StoreInspector.verify(target, Progress.NONE).notes()).isEmpty();
  }

  @Test
  void anEmptyStoreIsCopiedAsOne() {
    KvStore.open(directory).close();
    assertThat(salvage().keys()).isZero();
    assertThat(contents(target)).isEmpty();
  }

  /// With what a kill leaves at any point of a history, and what power loss may make of it.
  @Test
  void aStoreThatWasKilledIsCopiedAsAnOpenWouldShowIt() {
    Seed.fresh(random -> {
      for (Durability durability : List.of(Durability.ALWAYS, Durability.OS)) {
        Options options = Simulation.tiny(durability);
        SimulatedDirectory disk = SimulatedDirectory.empty();
        KvStore store = Simulation.open(disk, options);
        ModelledStore modelled = new ModelledStore(store, new StoreModel());
        for (int round = 0; round < 12; round++) {
          for (int step = random.nextInt(30); step >= 0; step--) {
            modelled.step(random);
          }
          DiskImage image = disk.image();
          if (round % 2 == 1) {
            image =
                image.afterPowerLoss(
                    dev.kvstore.testkit.PowerLoss.values()[
                        random.nextInt(dev.kvstore.testkit.PowerLoss.values().length)],
                    random);
          }
          requireSame(image, "left" + durability.toString().hashCode() + "-" + round);
        }
        Simulation.abandon(store);
        disk.discard();
      }
    });
  }

  private void requireSame(DiskImage image, String name) {
    if (!image.files().containsKey("MANIFEST")) {
      return;
    }
    Path left = temporary.resolve(name);
    Path copy = temporary.resolve(name + "-copy");
    put(left, image);
    Map<String, String> wanted = contentsAsTheyAre(left);
    SalvageReport report = StoreInspector.salvage(left, copy, Progress.NONE);
    assertThat(report.damages()).as(name).isEmpty();
    assertThat(contents(copy)).as(name).isEqualTo(wanted).isEqualTo(contents(left));
  }

  @Test
  void aBatchThatIsNotWholeIsNamedAndNotCopied() throws IOException {
    killed(
        directory,
        store -> {
          store.put("before", "value");
          store.write(new WriteBatch().put("one", "of two").put("two", "of two"));
        });
    Path segment = directory.resolve("0000000001.seg");
    byte[] bytes = Files.readAllBytes(segment);
    int end = bytes.length;
    while (bytes[end - 1] == 0) {
      end--;
    }
    bytes[end - 1] ^= 1;
    Files.write(segment, bytes);
    SalvageReport report = salvage();
    assertThat(report.keys()).isEqualTo(1);
    assertThat(report.damages()).isEmpty();
    assertThat(report.dropped()).hasSize(2);
    String provenance = Files.readString(target.resolve(PROVENANCE));
    assertThat(provenance.lines().filter(line -> line.contains("\"type\": \"dropped\"")))
        .hasSize(2);
    assertThat(provenance).contains("\"" + hex("one".getBytes(StandardCharsets.UTF_8)) + "\"");
    assertThat(contents(target)).isEqualTo(contents(directory));
  }

  @Test
  void theOriginalStaysAsItWasToTheTimeOfItsFiles() throws IOException {
    for (boolean locked : new boolean[] {true, false}) {
      Path store = temporary.resolve("store" + locked);
      closed(store);
      if (!locked) {
        Files.delete(store.resolve("LOCK"));
      }
      try (Stream<Path> files = Files.list(store)) {
        for (Path file : files.toList()) {
          Files.setLastModifiedTime(file, FileTime.fromMillis(1_600_000_000_000L));
        }
      }
      Files.setLastModifiedTime(store, FileTime.fromMillis(1_600_000_000_000L));
      Map<String, String> before = state(store);
      StoreInspector.salvage(store, temporary.resolve("copy" + locked), Progress.NONE);
      StoreInspector.verify(store, Progress.NONE);
      assertThat(state(store)).isEqualTo(before);
    }
  }

  private static Map<String, String> state(Path store) throws IOException {
    Map<String, String> state = new TreeMap<>();
    try (Stream<Path> files = Files.walk(store)) {
      for (Path file : files.toList()) {
        state.put(file + " modified", Files.getLastModifiedTime(file).toString());
        if (Files.isRegularFile(file)) {
          state.put(file + " holds", hex(Files.readAllBytes(file)));
        }
      }
    }
    return state;
  }

  @Test
  void whatWasSalvagedCanBeSalvaged() {
    closed(directory);
    salvage();
    Map<String, String> once = contents(target);
    Path again = temporary.resolve("again");
    StoreInspector.salvage(target, again, Progress.NONE);
    Path third = temporary.resolve("third");
    StoreInspector.salvage(again, third, Progress.NONE);
    assertThat(contents(third)).isEqualTo(once).isEqualTo(contents(directory));
  }

  // ---- Provenance

  @Test
  void everyRecordIsTracedToItsPlaceInTheOriginal() throws IOException {
    closed(directory);
    SalvageReport report = salvage();
    assertThat(report.provenance()).contains(target.toRealPath().resolve(PROVENANCE));
    List<String> lines = Files.readAllLines(target.resolve(PROVENANCE));
    assertThat(lines.getFirst())
        .contains(
            "\"type\": \"salvage\"",
            "\"source\": \"" + directory.toRealPath() + "\"",
            "\"manifest\": true");
    assertThat(lines.getLast())
        .isEqualTo(
            "{\"type\": \"end\", \"keys\": %d, \"recordsRead\": %d, \"damages\": 0, \"dropped\": 0}"
                .formatted(report.keys(), report.recordsRead()));
    List<String> records = lines.subList(1, lines.size() - 1);
    assertThat(records)
        .hasSize((int) report.keys())
        .allMatch(l -> l.contains("\"type\": \"record\""));
    Map<String, String> copied = contents(target);
    Map<Long, byte[]> keyOfSequence = new TreeMap<>();
    try (Stream<RecordInfo> all = StoreInspector.records(target)) {
      all.filter(r -> r.kind() == RecordInfo.Kind.PUT)
          .forEach(r -> keyOfSequence.put(r.sequence(), r.key()));
    }
    for (String line : records) {
      String key = text(line, "keyHex");
      byte[] record =
          StoreInspector.recordBytes(directory, text(line, "file"), number(line, "offset"));
      assertThat((long) record.length).isEqualTo(number(line, "bytes"));
      String whole = hex(record);
      // Key and value as they stand there, behind a header of 32 bytes.
      String value = copied.get(key).split(" ", 2)[1];
      assertThat(text(line, "encoding")).isEqualTo(copied.get(key).split(" ", 2)[0]);
      assertThat(number(line, "valueBytes")).isEqualTo(value.length() / 2);
      assertThat(whole.substring(2 * 32)).startsWith(key + value);
      assertThat(hex(keyOfSequence.get(number(line, "newSequence")))).isEqualTo(key);
      RecordInfo original = recordAt(text(line, "file"), number(line, "offset"));
      assertThat(original.sequence()).isEqualTo(number(line, "sequence"));
      assertThat(original.timestampMillis()).isEqualTo(number(line, "timestampMillis"));
    }
  }

  private RecordInfo recordAt(String file, long offset) {
    try (Stream<RecordInfo> all = StoreInspector.records(directory)) {
      return all.filter(r -> r.file().equals(file) && r.offset() == offset)
          .findFirst()
          .orElseThrow();
    }
  }

  @Test
  void damageIsInTheProvenanceWithPlaceLengthAndKey() throws IOException {
    closed(directory);
    List<RecordInfo> puts = new ArrayList<>();
    try (Stream<RecordInfo> all = StoreInspector.records(directory)) {
      all.filter(r -> r.kind() == RecordInfo.Kind.PUT).forEach(puts::add);
    }
    RecordInfo victim =
        puts.stream()
            .filter(r -> Arrays.equals(r.key(), "text".getBytes(StandardCharsets.UTF_8)))
            .findFirst()
            .orElseThrow();
    Path file = directory.resolve(victim.file());
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) victim.offset() + 40] ^= 1;
    Files.write(file, bytes);
    SalvageReport report = salvage();
    assertThat(report.damages()).hasSize(1);
    assertThat(Files.readString(target.resolve(PROVENANCE)))
        .contains(
            "{\"type\": \"damage\", \"file\": \"%s\", \"offset\": %d, \"bytes\": %d, \"problem\": \""
                .formatted(victim.file(), victim.offset(), victim.bytes()),
            "\"keysHex\": [\"" + hex(victim.key()) + "\"]}");
    Map<String, String> copied = contents(target);
    assertThat(copied).doesNotContainKey(hex(victim.key()));
    copied.put(hex(victim.key()), "STRING " + hex("Grüße, 世界 🌍".getBytes(StandardCharsets.UTF_8)));
    bytes[(int) victim.offset() + 40] ^= 1;
    Files.write(file, bytes);
    assertThat(copied).isEqualTo(contents(directory));
  }

  @Test
  void aSegmentUnderAnotherNameIsTracedToTheFileItIsIn() throws IOException {
    closed(directory);
    List<Path> segments;
    try (Stream<Path> files = Files.list(directory)) {
      segments = files.filter(f -> f.toString().endsWith(".seg")).sorted().toList();
    }
    Map<String, String> wanted = contentsAsTheyAre(directory);
    Path moved = directory.resolve("0000000900.seg");
    Files.move(segments.getFirst(), moved);
    salvage();
    assertThat(contents(target)).isEqualTo(wanted);
    assertThat(Files.readString(target.resolve(PROVENANCE)))
        .contains("\"file\": \"0000000900.seg\"")
        .doesNotContain("\"file\": \"" + segments.getFirst().getFileName() + "\"");
  }

  @Test
  void whoWantsNoProvenanceGetsNone() {
    closed(directory);
    SalvageReport report =
        StoreInspector.salvage(directory, target, Provenance.NONE, Progress.NONE);
    assertThat(report.provenance()).isEmpty();
    assertThat(target.resolve(PROVENANCE)).doesNotExist();
    assertThat(contents(target)).isEqualTo(contents(directory));
  }

  @Test
  void progressGoesUpToTheTotal() {
    closed(directory);
    List<Long> done = new ArrayList<>();
    List<Long> totals = new ArrayList<>();
    StoreInspector.salvage(
        directory,
        target,
        (at, total) -> {
          done.add(at);
          totals.add(total);
        });
    assertThat(done).isSorted().hasSizeGreaterThan(2);
    assertThat(done.getLast()).isEqualTo(totals.getLast());
    assertThat(totals).containsOnly(totals.getFirst());
  }

  // ---- Where it may go

  @Test
  void aTargetInsideTheStoreIsRefusedAndNotMade() throws IOException {
    closed(directory);
    Map<String, String> before = state(directory);
    Path link = temporary.resolve("link");
    Files.createSymbolicLink(link, directory);
    for (Path inside :
        List.of(
            directory,
            directory.resolve("rescued"),
            directory.resolve("a/b"),
            directory.resolve("x/../rescued"),
            link,
            link.resolve("rescued"))) {
      assertThatExceptionOfType(StoreStartupException.class)
          .as(inside.toString())
          .isThrownBy(() -> StoreInspector.salvage(directory, inside, Progress.NONE))
          .withMessageContaining("inside");
      assertThat(state(directory)).isEqualTo(before);
    }
  }

  @Test
  void aTargetThatIsNotEmptyIsRefusedAndStaysAsItIs() throws IOException {
    closed(directory);
    Files.createDirectories(target);
    Files.writeString(target.resolve("thesis.tex"), "mine");
    assertThatExceptionOfType(StoreStartupException.class)
        .isThrownBy(this::salvage)
        .withMessageContaining("thesis.tex");
    assertThat(target.toFile().list()).containsExactly("thesis.tex");
    Path file = Files.writeString(temporary.resolve("file"), "mine");
    assertThatExceptionOfType(StoreStartupException.class)
        .isThrownBy(() -> StoreInspector.salvage(directory, file, Progress.NONE));
    assertThat(file).hasContent("mine");
  }

  @Test
  void anEmptyDirectoryIsUsedAndMissingOnesAboveAreMade() throws IOException {
    closed(directory);
    Files.createDirectories(target);
    salvage();
    Path deep = temporary.resolve("not/there/yet");
    StoreInspector.salvage(directory, deep, Progress.NONE);
    assertThat(contents(deep)).isEqualTo(contents(target)).isEqualTo(contents(directory));
    try (Stream<Path> files = Files.list(deep)) {
      assertThat(files.map(f -> f.getFileName().toString()).toList())
          .contains("MANIFEST", PROVENANCE, "INDEX")
          .doesNotContain("unfinished.tmp");
    }
  }

  @Test
  void whatFailsOnTheWayLeavesNothing() throws IOException {
    closed(directory);
    for (boolean there : new boolean[] {false, true}) {
      if (there) {
        Files.createDirectories(target);
      }
      int[] calls = new int[1];
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(() ->
              StoreInspector.salvage(
                  directory,
                  target,
                  (done, total) -> {
                    if (++calls[0] > 3 && done > total / 2) {
                      throw new IllegalStateException("no more");
                    }
                  }))
          .withMessageContaining("no more");
      assertThat(Files.exists(target)).isEqualTo(there);
      if (there) {
        assertThat(target).isEmptyDirectory();
      }
    }
    assertThat(salvage().keys()).isPositive();
  }

  // ---- Files that are not what the manifest says

  /// The segment that was written to when the process was killed: nothing but its header says that it has
  /// been anything.
  @Test
  void anOpenSegmentWithoutItsHeaderIsToldAndWhatVerifiesInItIsCopied() throws IOException {
    killed(
        directory,
        store -> {
          work(store);
          store.put("last", "of all keys");
        });
    Map<String, String> expected = contentsAsTheyAre(directory);
    Path active = segmentWith("of all keys");
    byte[] bytes = Files.readAllBytes(active);
    Arrays.fill(bytes, 0, 64, (byte) 0);
    Files.write(active, bytes);
    SalvageReport report = salvage();
    assertThat(report.damages())
        .extracting(Damage::file)
        .containsOnly(active.getFileName().toString());
    assertThat(contents(target)).isEqualTo(expected);

    Arrays.fill(bytes, (byte) 0);
    Files.write(active, bytes);
    target = temporary.resolve("other");
    assertThat(salvage().damages())
        .extracting(Damage::file)
        .containsOnly(active.getFileName().toString());
    assertThat(contents(target)).doesNotContainKey(hex("last".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void aManifestThatIsOlderThanTheLogIsToldAndWhatItDoesNotKnowIsCopied() throws IOException {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, OPTIONS);
    store.put("first", "1".repeat(3000));
    byte[] older = disk.image().files().get("MANIFEST");
    store.put("second", "2".repeat(3000));
    store.put("last", "of all keys");
    Map<String, String> expected = contents(store);
    put(directory, disk.image());
    Simulation.abandon(store);
    disk.discard();
    Files.write(directory.resolve("MANIFEST"), older);
    SalvageReport report = salvage();
    assertThat(report.damages()).extracting(Damage::file).contains("MANIFEST");
    assertThat(report.damages())
        .extracting(Damage::problem)
        .anyMatch(problem -> problem.contains("older than"));
    assertThat(contents(target)).isEqualTo(expected);
  }

  private Path segmentWith(String text) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.filter(each -> each.toString().endsWith(".seg")).toList()) {
        String content = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        if (content.contains(text)) {
          return file;
        }
      }
    }
    throw new AssertionError("no segment holds " + text);
  }
}

package dev.kvstore;

import static dev.kvstore.testkit.JsonText.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.RecoveryReport.Dropped;
import dev.kvstore.RecoveryReport.Outcome;
import dev.kvstore.testkit.Call;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Fault;
import dev.kvstore.testkit.JsonText;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedCrash;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What an open has read, cut and dropped is told to the byte, to machines too, and is not forgotten.
@Timeout(120)
class RecoveryReceiptTest {
  private static final String RECEIPT = "RECOVERY.json";
  private static final String HISTORY = "RECOVERY.jsonl";
  private static final String SEGMENT = "0000000001.seg";
  private static final Options OPTIONS =
      Simulation.tiny(Durability.OS).toBuilder().compaction(CompactionPolicy.manual()).build();
  private static final Options SERVE =
      OPTIONS.toBuilder().damagePolicy(DamagePolicy.SERVE_REST).build();

  // ---- Stores to open

  /// What a process leaves that was killed after these calls; never forced, so no mark vouches for it.
  private static DiskImage killedAfter(DiskImage before, Consumer<KvStore> calls) {
    SimulatedDirectory disk = before.mount();
    KvStore store = Simulation.open(disk, OPTIONS);
    calls.accept(store);
    DiskImage killed = disk.image();
    Simulation.abandon(store);
    disk.discard();
    return killed;
  }

  private static DiskImage killedAfter(Consumer<KvStore> calls) {
    return killedAfter(DiskImage.of(Map.of()), calls);
  }

  private static List<RecordInfo> records(DiskImage image) {
    SimulatedDirectory disk = image.mount();
    try (Stream<RecordInfo> records = StoreInspector.records(disk.path())) {
      return records
          .filter(r -> r.kind() == RecordInfo.Kind.PUT || r.kind() == RecordInfo.Kind.DELETE)
          .toList();
    } finally {
      disk.discard();
    }
  }

  /// What an open found, and what it left in the directory.
  private record Opened(RecoveryReport report, DiskImage after) {
    String receipt() {
      return text(after, RECEIPT);
    }

    List<String> history() {
      return RecoveryReceiptTest.history(after);
    }
  }

  private static Opened open(DiskImage image, Options options) {
    SimulatedDirectory disk = image.mount();
    try {
      KvStore store = Simulation.open(disk, options);
      RecoveryReport report = store.recovery();
      store.close();
      return new Opened(report, disk.image());
    } finally {
      disk.discard();
    }
  }

  private static Opened open(DiskImage image) {
    return open(image, OPTIONS);
  }

  private static String text(DiskImage image, String name) {
    return new String(image.files().get(name), StandardCharsets.UTF_8);
  }

  private static List<String> history(DiskImage image) {
    SimulatedDirectory disk = image.mount();
    try {
      return StoreInspector.recoveryHistory(disk.path());
    } finally {
      disk.discard();
    }
  }

  private static DiskImage flipped(DiskImage image, RecordInfo record) {
    return image.withFlipped(record.file(), (int) (record.offset() + record.bytes() - 9), 1);
  }

  private static List<String> keys(Dropped dropped) {
    return dropped.keys().stream().map(key -> new String(key, StandardCharsets.UTF_8)).toList();
  }

  private static String hex(String key) {
    return HexFormat.of().formatHex(key.getBytes(StandardCharsets.UTF_8));
  }

  private static String padded(String text) {
    return text + " ".repeat(40 - text.length());
  }

  // ---- What was cut

  @Test
  void aTornTailIsToldWithPlaceSequenceAndKey() {
    DiskImage killed =
        killedAfter(store ->
            IntStream.rangeClosed(1, 5).forEach(i -> store.put("key" + i, padded("v" + i))));
    RecordInfo last = records(killed).getLast();
    for (int torn = 1; torn < last.bytes() - 8; torn += 7) {
      byte[] segment = killed.files().get(SEGMENT).clone();
      Arrays.fill(
          segment, (int) last.offset() + torn, (int) (last.offset() + last.bytes()), (byte) 0);
      RecoveryReport report = open(killed.with(SEGMENT, segment)).report();
      assertThat(report.outcome()).isEqualTo(Outcome.RECOVERED);
      assertThat(report.lastSequence()).isEqualTo(4);
      assertThat(report.dropped()).hasSize(1);
      Dropped dropped = report.dropped().getFirst();
      assertThat(dropped.file()).isEqualTo(SEGMENT);
      assertThat(dropped.offset()).isEqualTo(last.offset());
      assertThat(dropped.bytes()).isBetween(1L, (long) torn).isEqualTo(report.tailBytesCut());
      assertThat(dropped.firstSequence()).isEqualTo(5);
      assertThat(dropped.lastSequence()).isEqualTo(5);
      assertThat(dropped.records()).isZero();
      assertThat(dropped.reason()).isEqualTo(report.tailReason()).isNotEmpty();
      if (torn > 40) { // header and key are there
        assertThat(keys(dropped)).containsExactly("key5");
        assertThat(dropped.keyCount()).isEqualTo(1);
      }
    }
  }

  @Test
  void aBatchThatIsNotWholeIsToldRecordByRecord() {
    DiskImage killed =
        killedAfter(store -> {
          store.put("before", padded("1"));
          store.write(
              new WriteBatch().put("one", padded("2")).delete("before").put("three", padded("4")));
        });
    List<RecordInfo> records = records(killed);
    assertThat(records).hasSize(4);
    RecordInfo third = records.get(3);
    Opened opened = open(flipped(killed, third));
    List<Dropped> dropped = opened.report().dropped();
    assertThat(dropped).hasSize(2);
    assertThat(keys(dropped.get(0))).containsExactly("one", "before");
    assertThat(dropped.get(0).offset()).isEqualTo(records.get(1).offset());
    assertThat(dropped.get(0).bytes()).isEqualTo(third.offset() - records.get(1).offset());
    assertThat(dropped.get(0).records()).isEqualTo(2);
    assertThat(dropped.get(0).firstSequence()).isEqualTo(2);
    assertThat(dropped.get(0).lastSequence()).isEqualTo(3);
    assertThat(dropped.get(0).reason()).contains("batch");
    assertThat(keys(dropped.get(1))).containsExactly("three");
    assertThat(dropped.get(1).offset()).isEqualTo(third.offset());
    assertThat(dropped.get(1).firstSequence()).isEqualTo(4);
    assertThat(opened.receipt())
        .contains("\"keysHex\": [\"" + hex("one") + "\", \"" + hex("before") + "\"]")
        .contains("\"firstSequence\": 2, \"lastSequence\": 3, \"keyCount\": 2");
    assertThat(opened.report().keys()).isEqualTo(1);
  }

  @Test
  void whatStandsBehindAGapIsToldToo() {
    DiskImage killed =
        killedAfter(store -> {
          for (int i = 1; i <= 40; i++) {
            store.put("key" + i, padded("v" + i));
          }
        });
    List<RecordInfo> records = records(killed);
    RecordInfo lost = records.get(2);
    RecoveryReport report = open(flipped(killed, lost)).report();
    assertThat(report.outcome()).isEqualTo(Outcome.RECOVERED); // nothing vouches for it
    assertThat(report.lastSequence()).isEqualTo(2);
    List<String> told =
        report.dropped().stream().flatMap(dropped -> keys(dropped).stream()).toList();
    assertThat(told)
        .containsExactlyElementsOf(IntStream.rangeClosed(3, 40).mapToObj(i -> "key" + i).toList());
    assertThat(report.dropped().getFirst().firstSequence()).isEqualTo(3);
    assertThat(report.dropped().getLast().lastSequence()).isEqualTo(40);
    assertThat(report.dropped().stream().mapToLong(Dropped::records).sum()).isEqualTo(37);
    assertThat(report.dropped().stream().mapToLong(Dropped::bytes).sum())
        .isEqualTo(report.tailBytesCut());
  }

  @Test
  void keysOfALongTailAreCountedAndTheFirstOfThemNamed() {
    Options large = OPTIONS.toBuilder().segmentBytesMax(1 << 20).build();
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, large);
    store.put("first", "value");
    for (int i = 0; i < 3000; i++) {
      store.put("key" + i, "value");
    }
    DiskImage killed = disk.image();
    Simulation.abandon(store);
    disk.discard();
    RecordInfo first = records(killed).getFirst();
    RecoveryReport report = open(flipped(killed, first), large).report();
    assertThat(report.keys()).isZero();
    assertThat(report.dropped().stream().mapToLong(Dropped::keyCount).sum()).isEqualTo(3001);
    for (Dropped dropped : report.dropped()) {
      assertThat(dropped.keys()).hasSize((int) Math.min(1000, dropped.keyCount()));
    }
  }

  // ---- What was read, and the rest

  @Test
  void whatWasReadIsToldFromWhereToWhere() {
    DiskImage killed =
        killedAfter(
            killedAfter(store -> store.put("one", "1")),
            store -> IntStream.range(0, 3).forEach(i -> store.put("two" + i, "2")));
    RecoveryReport report = open(killed).report();
    assertThat(report.sources().getFirst().file()).isEqualTo("MANIFEST");
    assertThat(report.sources().getFirst().to()).isEqualTo(killed.files().get("MANIFEST").length);
    assertThat(report.sources().getFirst().records()).isEqualTo(2);
    assertThat(report.sources().stream().map(RecoveryReport.Source::file))
        .containsExactly("MANIFEST", "0000000001.hint", "0000000002.seg");
    assertThat(report.sources().getLast().from()).isEqualTo(64);
    assertThat(report.sources().getLast().records()).isEqualTo(3);
    assertThat(report.openedAt().toEpochMilli()).isGreaterThan(1_600_000_000_000L);
    assertThat(report.formatVersion()).isEqualTo(1);
    assertThat(report.version()).isNotBlank();
  }

  @Test
  void theReceiptSaysWhatTheReportSays() {
    DiskImage killed =
        killedAfter(
            store -> IntStream.range(0, 9).forEach(i -> store.put("k\"\\" + i, padded("v"))));
    Opened opened = open(flipped(killed, records(killed).getLast()));
    RecoveryReport report = opened.report();
    for (String json : List.of(opened.receipt(), opened.history().getFirst())) {
      assertThat(JsonText.text(json, "outcome")).isEqualTo("RECOVERED");
      assertThat(number(json, "openedAtMillis")).isEqualTo(report.openedAt().toEpochMilli());
      assertThat(JsonText.text(json, "version")).isEqualTo(report.version());
      assertThat(number(json, "formatVersion")).isEqualTo(1);
      assertThat(JsonText.text(json, "indexSource")).isEqualTo(report.indexSource().name());
      assertThat(number(json, "recordsRead")).isEqualTo(report.recordsRead());
      assertThat(number(json, "bytesRead")).isEqualTo(report.bytesRead());
      assertThat(number(json, "keys")).isEqualTo(8);
      assertThat(number(json, "lastSequence")).isEqualTo(8);
      assertThat(number(json, "durableSequence")).isEqualTo(report.durableSequence());
      assertThat(number(json, "tailBytesCut")).isEqualTo(report.tailBytesCut()).isPositive();
      assertThat(JsonText.text(json, "tailReason")).isEqualTo(report.tailReason());
      assertThat(JsonText.text(json, "reason")).isEqualTo(report.tailReason());
      assertThat(json).contains("\"keysHex\": [\"" + hex("k\"\\8") + "\"]");
      assertThat(number(json, "durationMillis")).isEqualTo(report.duration().toMillis());
    }
  }

  @Test
  void damageThatIsServedAroundIsInReceiptAndHistory() {
    DiskImage killed =
        killedAfter(store -> {
          store.put("lost", padded("v"));
          store.put("kept", padded("v"));
          store.sync();
          store.put("after", padded("v")); // with the mark before it
        });
    RecordInfo lost = records(killed).getFirst();
    Opened opened = open(flipped(killed, lost), SERVE);
    assertThat(opened.report().outcome()).isEqualTo(Outcome.DAMAGED);
    String damage =
        "\"damages\":[{\"file\": \"%s\", \"offset\": %d, \"bytes\": %d, \"problem\": \""
            .formatted(SEGMENT, lost.offset(), lost.bytes());
    assertThat(opened.history()).hasSize(1);
    assertThat(opened.history().getFirst())
        .contains("\"outcome\":\"DAMAGED\"", damage, "\"keysHex\": [\"" + hex("lost") + "\"]");
    assertThat(opened.receipt()).contains("\"DAMAGED\"", hex("lost"));
  }

  @Test
  void leftoversAndAnImageThatWasIgnoredAreInTheHistory() {
    DiskImage closed =
        open(killedAfter(store -> store.put("key", "value"))).after().without(HISTORY);
    assertThat(closed.files()).containsKey("INDEX");
    assertThat(open(closed).history()).isEmpty();
    Opened leftover = open(closed.with("MANIFEST.tmp", new byte[10]));
    assertThat(leftover.history()).hasSize(1);
    assertThat(leftover.history().getFirst())
        .contains("\"outcome\":\"CLEAN\"", "\"leftoversRemoved\":[\"MANIFEST.tmp\"]");
    Opened ignored = open(closed.withFlipped("INDEX", 70, 1));
    assertThat(ignored.history()).hasSize(1);
    assertThat(ignored.history().getFirst()).contains("\"filesIgnored\":[\"INDEX: ");
  }

  // ---- The history

  @Test
  void crashAfterCrashIsRememberedUpToSixtyFour() {
    DiskImage image = killedAfter(store -> store.put("key", "0"));
    for (int crash = 1; crash <= 70; crash++) {
      int number = crash;
      image = killedAfter(image, store -> store.put("key", "" + number));
      List<String> history = history(image);
      assertThat(history).hasSize(Math.min(crash, 64));
      assertThat(number(history.getLast(), "lastSequence")).isEqualTo(crash);
      assertThat(number(history.getFirst(), "lastSequence")).isEqualTo(Math.max(1, crash - 63));
    }
    Opened opened = open(image);
    for (int i = 0; i < 3; i++) {
      List<String> before = opened.history();
      opened = open(opened.after()); // of a store that was closed: nothing to tell
      assertThat(opened.history()).isEqualTo(before);
      assertThat(opened.receipt()).contains("\"CLEAN\"");
    }
  }

  @Test
  void anOpenOfAClosedStoreDoesNotTouchTheHistory() {
    DiskImage closed = open(killedAfter(store -> store.put("key", "value"))).after();
    assertThat(closed.files()).containsKey(HISTORY);
    SimulatedDirectory disk = closed.mount();
    KvStore store = Simulation.open(disk, OPTIONS);
    List<Call> calls = disk.log();
    assertThat(calls).noneMatch(call -> call.toString().contains(HISTORY));
    assertThat(calls).noneMatch(call -> call.operation().equals("force"));
    store.close();
    disk.discard();
  }

  @Test
  void aHistoryThatIsDamagedLosesTheDamagedLineOnly() {
    DiskImage image = killedAfter(store -> store.put("key", "0"));
    for (int crash = 0; crash < 3; crash++) {
      image = killedAfter(image, store -> store.put("key", "more"));
    }
    List<String> before = history(image);
    assertThat(before).hasSize(3);
    int second = text(image, HISTORY).indexOf('\n') + 20;
    for (int mask = 1; mask < 256; mask <<= 1) {
      List<String> after = open(image.withFlipped(HISTORY, second, mask)).history();
      assertThat(after).hasSize(3).startsWith(before.get(0), before.get(2));
      assertThat(after).doesNotContain(before.get(1));
    }
    byte[] torn = Arrays.copyOf(image.files().get(HISTORY), second + 5);
    assertThat(open(image.with(HISTORY, torn)).history()).hasSize(2).startsWith(before.get(0));
  }

  @Test
  void aHistoryThatIsNoneIsReplaced() {
    DiskImage image = killedAfter(store -> store.put("key", "0"));
    byte[] binary = new byte[3000];
    new java.util.Random(5).nextBytes(binary);
    List<byte[]> foreign =
        new ArrayList<>(
            List.of(
                new byte[0], new byte[100], binary, "{}\n[]\n".getBytes(StandardCharsets.UTF_8)));
    foreign.add(new byte[17 << 20]);
    for (byte[] content : foreign) {
      Opened opened = open(image.with(HISTORY, content));
      assertThat(opened.history()).hasSize(1);
      assertThat(opened.after().files().get(HISTORY).length).isLessThan(2000);
    }
  }

  @Test
  void aFullDiskOpensWithoutReceiptAndWithoutLeftovers() {
    DiskImage killed = killedAfter(store -> store.put("key", "value"));
    for (Fault fault : Fault.values()) {
      SimulatedDirectory disk = killed.mount();
      disk.failWhen(
          call ->
              call.file().startsWith("RECOVERY")
                  && (call.operation().equals("create") || call.operation().equals("write")),
          fault);
      KvStore store = Simulation.open(disk, OPTIONS);
      assertThat(store.getString("key")).contains("value");
      assertThat(disk.image().files().keySet())
          .doesNotContain(HISTORY)
          .noneMatch(name -> name.startsWith("RECOVERY") && name.endsWith(".tmp"));
      store.close();
      disk.heal();
      KvStore again = Simulation.open(disk, OPTIONS);
      assertThat(again.recovery().outcome()).isEqualTo(Outcome.CLEAN);
      again.close();
      assertThat(disk.image().files()).containsKey(RECEIPT);
      disk.discard();
    }
  }

  @Test
  void aCrashOrAPowerLossWhileTheHistoryIsWrittenLeavesTheOneBeforeOrAfter() {
    Seed.fixed(5, RecoveryReceiptTest::crashWhileTheHistoryIsWritten);
  }

  private static void crashWhileTheHistoryIsWritten(RandomGenerator random) {
    DiskImage image = killedAfter(store -> store.put("key", "0"));
    for (int crash = 0; crash < 2; crash++) {
      image = killedAfter(image, store -> store.put("key", "more"));
    }
    List<String> before = history(image);
    assertThat(before).hasSize(2);
    image = DiskImage.of(image.files()); // what is there is on the disk
    SimulatedDirectory whole = image.mount();
    Simulation.abandon(Simulation.open(whole, OPTIONS));
    List<Integer> calls =
        whole.log().stream()
            .filter(call -> call.toString().contains(HISTORY))
            .map(Call::number)
            .toList();
    requireHistorySurvives(
        whole.image(), before, random); // before anything else has forced the name
    whole.discard();
    assertThat(calls).hasSizeGreaterThan(3);
    for (int call : calls) {
      for (boolean halfWay : new boolean[] {false, true}) {
        SimulatedDirectory disk = image.mount();
        try {
          if (halfWay) {
            disk.crashHalfWayAt(call);
          } else {
            disk.crashAt(call);
          }
          Simulation.open(disk, OPTIONS);
          throw new AssertionError("call " + call + " was not made");
        } catch (SimulatedCrash e) {
          // As ordered.
        }
        DiskImage crashed = disk.image();
        disk.discard();
        requireHistoryIsBeforeOrAfter(crashed, before);
        requireHistorySurvives(crashed, before, random);
        assertThat(open(crashed).report().damages()).isEmpty();
      }
    }
  }

  /// Whatever a power loss takes, the lines of before stay.
  private static void requireHistorySurvives(
      DiskImage crashed, List<String> before, RandomGenerator random) {
    List<DiskImage> left = new ArrayList<>(crashed.afterEachPrefix());
    left.addAll(crashed.afterEachSetOfNames(16, random));
    for (PowerLoss mode : PowerLoss.values()) {
      for (int time = 0; time < 4; time++) {
        left.add(crashed.afterPowerLoss(mode, random));
      }
    }
    left.forEach(image -> requireHistoryIsBeforeOrAfter(image, before));
  }

  private static void requireHistoryIsBeforeOrAfter(DiskImage left, List<String> before) {
    assertThat(history(left)).hasSizeBetween(2, 3).startsWith(before.toArray(String[]::new));
  }
}

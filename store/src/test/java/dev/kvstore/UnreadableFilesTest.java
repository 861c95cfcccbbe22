package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.engine.Environment;
import dev.kvstore.engine.Inspection;
import dev.kvstore.engine.Workers;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Fault;
import dev.kvstore.testkit.SimulatedClock;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Files of which the system does not give everything: whoever opens the store is told, and who looks into
/// it gets the rest.
///
/// A page of a mapping that cannot be read and one behind the end of a file that somebody has cut are the same
/// to a process, so cutting stands for both.
@Timeout(120)
class UnreadableFilesTest {
  private static final Options OPTIONS =
      Simulation.tiny(Durability.ALWAYS).toBuilder()
          .segmentBytesMax(40 << 10)
          .compaction(CompactionPolicy.manual())
          .build();

  /// Each key is written once, so a key is right or missing.
  private static final Map<String, String> VALUES = new TreeMap<>();

  private static final String MANIFEST = "MANIFEST";

  private static DiskImage killed;
  private static DiskImage closed;
  private static List<String> segments;
  private static List<RecordInfo> records;

  @TempDir private Path temporary;

  @BeforeAll
  static void live() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, OPTIONS);
    for (int i = 0; i < 150; i++) {
      String key = "key" + i;
      VALUES.put(key, ("value " + i + " ").repeat(100));
      store.put(key, VALUES.get(key));
    }
    killed = disk.image();
    store.close();
    closed = disk.image();
    segments = closed.files().keySet().stream().filter(name -> name.endsWith(".seg")).toList();
    assertThat(segments).hasSize(4);
    assertThat(segments).allMatch(name -> closed.files().get(name).length > 21_000);
    try (Stream<RecordInfo> all = StoreInspector.records(disk.path())) {
      records = all.filter(record -> record.kind() == RecordInfo.Kind.PUT).toList();
    }
    disk.discard();
    assertThat(records).hasSize(VALUES.size());
  }

  private static void cut(Path file, long size) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(Math.min(size, channel.size()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Keys of which nothing lies behind this place in a file.
  private static Set<String> keysBut(String file, long behind) {
    Set<String> keys = new HashSet<>();
    for (RecordInfo record : records) {
      if (!record.file().equals(file) || record.offset() + record.bytes() <= behind) {
        keys.add(new String(record.key(), StandardCharsets.UTF_8));
      }
    }
    return keys;
  }

  /// The store holds these keys at least, and nothing that is wrong.
  private static void requireHolds(KvStore store, Set<String> least) {
    try (Stream<Entry> entries = store.entries()) {
      Set<String> found = new HashSet<>();
      entries.forEach(entry -> {
        assertThat(entry.value()).isEqualTo(Value.of(VALUES.get(entry.keyText())));
        found.add(entry.keyText());
      });
      assertThat(found).containsAll(least);
      assertThat(store.size()).isEqualTo(found.size());
    }
  }

  private static void requireTold(List<Damage> damages, String file, String problem) {
    assertThat(damages)
        .as(file)
        .anyMatch(d -> d.file().equals(file) && d.problem().contains(problem));
  }

  private static SalvageReport salvage(
      SimulatedDirectory disk, SimulatedDirectory target, Progress progress) {
    Environment environment =
        new Environment(new SimulatedClock(), new SplittableRandom(4), Workers.inline());
    return Inspection.salvage(disk, target, environment, true, progress);
  }

  // ---- Cut meanwhile

  @Test
  void verifyTellsOfASegmentThatIsCutMeanwhileAndGoesOnWithTheOthers() {
    int told = 0;
    for (int file = 0; file < segments.size(); file++) {
      for (int call = 0; call <= segments.size(); call++) {
        for (long size : new long[] {0, 40, 20_000}) {
          SimulatedDirectory disk = closed.mount();
          Path segment = disk.path().resolve(segments.get(file));
          int[] calls = {0};
          int at = call;
          VerifyReport report =
              StoreInspector.verify(
                  disk.path(),
                  (done, total) -> {
                    if (calls[0]++ == at) {
                      cut(segment, size);
                    }
                  });
          if (file >= call) {
            requireTold(report.damages(), segments.get(file), "cannot be read");
            assertThat(report.damages())
                .anyMatch(d -> d.offset() == size && d.problem().contains("the file ends at"));
            told++;
          }
          assertThat(report.damages()).allMatch(d -> d.file().equals(segment.getFileName() + ""));
          assertThat(report.records()).isGreaterThan(50);
          disk.discard();
        }
      }
    }
    assertThat(told).isEqualTo(3 * (4 + 3 + 2 + 1));
  }

  @Test
  void salvageCopiesWhatIsLeftOfASegmentThatIsCutMeanwhile() {
    int told = 0;
    int tried = 0;
    for (DiskImage image : List.of(closed, killed)) {
      for (String file : segments) {
        for (int call : new int[] {0, 1, 3, 4, 7}) { // the first four come while segments are read
          for (long size : new long[] {0, 20_000}) {
            SimulatedDirectory disk = image.mount();
            SimulatedDirectory target = SimulatedDirectory.empty();
            tried++;
            int[] calls = {0};
            int at = call;
            SalvageReport report =
                salvage(
                    disk,
                    target,
                    (done, total) -> {
                      if (calls[0]++ == at) {
                        cut(disk.path().resolve(file), size);
                      }
                    });
            assertThat(Inspection.verify(target, Progress.NONE).damages()).isEmpty();
            try (KvStore store = Simulation.open(target, OPTIONS)) {
              requireHolds(store, keysBut(file, size));
              assertThat(store.size()).isEqualTo(report.keys());
              if (store.size() < VALUES.size()) {
                told++;
                assertThat(report.damages()).anyMatch(d -> d.file().equals(file));
              }
            }
            assertThat(report.damages()).allMatch(d -> d.file().equals(file));
            target.discard();
            disk.discard();
          }
        }
      }
    }
    System.out.println("UnreadableFilesTest: " + told + " of " + tried + " salvages lost a key");
    assertThat(told).isGreaterThan(tried / 4);
  }

  /// Whatever call of the open comes next.
  @Test
  void anOpenOfASegmentThatIsCutMeanwhileIsRefusedWithItsName() {
    int refused = 0;
    DiskImage withoutHints = killed;
    for (String name : killed.files().keySet()) {
      if (name.endsWith(".hint")) {
        withoutHints = withoutHints.without(name);
      }
    }
    for (DiskImage image : List.of(closed, withoutHints)) {
      for (String file : segments) {
        boolean over = false;
        for (int call = 1; !over; call++) {
          SimulatedDirectory disk = image.mount();
          int at = call;
          disk.observe((made, halfWay) -> {
            if (made.number() == at) {
              cut(disk.path().resolve(file), 0);
            }
          });
          try {
            Simulation.abandon(Simulation.open(disk, OPTIONS));
          } catch (StoreIoException | StoreCorruptionException e) {
            refused++;
            assertThat(e.getMessage()).contains(file);
          }
          over = disk.calls() < call;
          disk.discard();
        }
      }
    }
    System.out.println("UnreadableFilesTest: " + refused + " opens refused");
    assertThat(refused).isGreaterThan(100);
  }

  @Test
  void theRecordsOfASegmentThatIsCutEndWithAnErrorThatNamesIt() {
    SimulatedDirectory disk = closed.mount();
    try (Stream<RecordInfo> all = StoreInspector.records(disk.path())) {
      List<RecordInfo> seen = new ArrayList<>();
      assertThatExceptionOfType(StoreIoException.class)
          .isThrownBy(() ->
              all.forEach(record -> {
                seen.add(record);
                cut(disk.path().resolve(segments.get(1)), 20_000);
              }))
          .withMessageContaining(segments.get(1));
      assertThat(seen).hasSizeGreaterThan(20);
    }
    disk.discard();
  }

  // ---- Calls that fail

  @Test
  void aFileThatCannotBeReadIsToldByVerifyAndSalvageAndTheRestIsThere() {
    for (DiskImage image : List.of(closed, killed)) {
      for (String file : image.files().keySet()) {
        if (file.startsWith("RE")) {
          continue; // receipts and reserve
        }
        for (String operation : List.of("open", "size", "map", "read")) {
          SimulatedDirectory disk = image.mount();
          disk.failWhen(
              call -> call.file().equals(file) && call.operation().equals(operation),
              Fault.IO_ERROR);
          String event = operation + " of " + file;
          VerifyReport verified = Inspection.verify(disk, Progress.NONE);
          if (disk.failures() > 0) {
            requireTold(verified.damages(), file, "cannot be read");
          }
          assertThat(verified.damages()).as(event).allMatch(d -> d.file().equals(file));
          int failures = disk.failures();
          SimulatedDirectory target = SimulatedDirectory.empty();
          SalvageReport report = salvage(disk, target, Progress.NONE);
          if (disk.failures() > failures) {
            requireTold(report.damages(), file, "cannot be read");
          }
          assertThat(report.damages()).as(event).allMatch(d -> d.file().equals(file));
          boolean isLost = file.endsWith(".seg") && !operation.equals("read");
          try (KvStore store = Simulation.open(target, OPTIONS)) {
            requireHolds(store, keysBut(file, isLost ? 0 : Long.MAX_VALUE));
          }
          target.discard();
          disk.discard();
        }
      }
    }
  }

  @Test
  void salvageIgnoresWhatOnlyHasANameLikeASegmentAndCannotBeOpened() throws IOException {
    for (DiskImage image : List.of(closed, killed)) {
      for (boolean hasManifest : new boolean[] {true, false}) {
        SimulatedDirectory disk = (hasManifest ? image : image.without(MANIFEST)).mount();
        Path outside = Files.writeString(temporary.resolve("outside"), "theirs".repeat(100));
        Files.deleteIfExists(disk.path().resolve("0000000099.seg"));
        Files.createSymbolicLink(disk.path().resolve("0000000099.seg"), outside);
        Files.createDirectory(disk.path().resolve("0000000098.seg"));
        Files.writeString(disk.path().resolve("0000000097.seg"), "too short");
        SimulatedDirectory target = SimulatedDirectory.empty();
        SalvageReport report = salvage(disk, target, Progress.NONE);
        if (hasManifest) {
          assertThat(report.damages()).isEmpty();
        } else {
          requireTold(report.damages(), MANIFEST, "missing");
          requireTold(report.damages(), "0000000099.seg", "symbolic link");
        }
        try (KvStore store = Simulation.open(target, OPTIONS)) {
          requireHolds(store, VALUES.keySet());
        }
        target.discard();
        disk.discard();
      }
    }
  }
}

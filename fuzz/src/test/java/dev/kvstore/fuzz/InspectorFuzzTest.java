package dev.kvstore.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kvstore.KvStore;
import dev.kvstore.Progress;
import dev.kvstore.RecordInfo;
import dev.kvstore.RecoveryReport;
import dev.kvstore.SalvageReport;
import dev.kvstore.StoreException;
import dev.kvstore.StoreInspector;
import dev.kvstore.VerifyReport;
import dev.kvstore.fuzz.PlainRecords.Plain;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// `verify`, `salvage` and the listing of records on a log of anything: they find the records that verify
/// and no others, salvage copies the newest of each key, and none of them changes a byte.
class InspectorFuzzTest {
  private static final Bounds BOUNDS = new Bounds(48 << 20, 400);

  /// The input tells what is written into a sealed and an open segment, see [LogMaker]; if its first byte
  /// says so, there is no manifest.
  @FuzzTest
  void anyRecords(byte[] input) {
    Feed feed = new Feed(input);
    int shape = feed.next();
    TwoSegments log = TwoSegments.make(shape, feed);
    Map<String, byte[]> files = log.files();
    if ((shape & 8) != 0) {
      files.remove("MANIFEST");
    }
    BOUNDS.hold(
        input.length,
        () -> {
          Path directory = Scratch.make();
          try {
            Scratch.write(directory, files);
            check(directory, log, files.containsKey("MANIFEST"));
            if (!Stores.same(Scratch.read(directory), files)) {
              throw new AssertionError("looking into the store has changed it");
            }
          } finally {
            Scratch.delete(directory);
          }
        });
  }

  private static void check(Path directory, TwoSegments log, boolean hasManifest) {
    if (hasManifest) {
      Stores.tries(() -> checkRecords(directory, log));
    } else {
      Stores.tries(() -> StoreInspector.records(directory).close());
    }
    boolean[] sound = {false};
    Stores.tries(() -> {
      VerifyReport report = StoreInspector.verify(directory, Progress.NONE);
      sound[0] = report.damages().isEmpty();
    });
    if (sound[0] && hasManifest) {
      requireOpens(directory, log);
    }
    Path target = directory.resolveSibling(directory.getFileName() + "-salvaged");
    try {
      Stores.tries(() -> checkSalvage(directory, target, log, hasManifest));
    } finally {
      Scratch.delete(target);
    }
  }

  private static void checkRecords(Path directory, TwoSegments log) {
    Map<String, Plain> expected = new TreeMap<>();
    log.eachRecord((file, record) -> expected.put(file + "@" + record.offset(), record));
    try (Stream<RecordInfo> records = StoreInspector.records(directory)) {
      records
          .filter(RecordInfo::intact)
          .forEach(info -> {
            Plain record = expected.remove(info.file() + "@" + info.offset());
            if (record == null || record.sequence() != info.sequence()) {
              throw new AssertionError("lists what is no record: " + info);
            }
          });
    }
    if (!expected.isEmpty()) {
      throw new AssertionError("does not list " + expected.keySet());
    }
  }

  private static void requireOpens(Path directory, TwoSegments log) {
    try (KvStore store = KvStore.open(directory, Stores.READING)) {
      if (!Stores.same(Stores.contents(store), log.replay().contents())) {
        throw new AssertionError("verified, and holds " + Stores.text(Stores.contents(store)));
      }
    } catch (StoreException e) {
      throw new AssertionError("verified, and does not open", e);
    }
  }

  private static void checkSalvage(
      Path directory, Path target, TwoSegments log, boolean hasManifest) {
    SalvageReport report = StoreInspector.salvage(directory, target, Progress.NONE);
    try (KvStore copy = KvStore.open(target, Stores.READING)) {
      Map<String, byte[]> found = Stores.contents(copy);
      if (found.size() != report.keys()) {
        throw new AssertionError(report + ", but " + found.size() + " keys are there");
      }
      if (hasManifest) {
        requireReplayed(found, report, log.replay());
        requireServed(directory, found, report);
      } else {
        requireNewest(found, report, log);
      }
    }
  }

  /// With a manifest a copy holds what an open would show; of a damaged store nothing else than what was
  /// written.
  private static void requireReplayed(
      Map<String, byte[]> found, SalvageReport report, Replay replay) {
    if (replay.isDamaged() && report.damages().isEmpty()) {
      throw new AssertionError("damage without a word: " + report);
    }
    if (!replay.isDamaged()) {
      Map<String, byte[]> expected = new TreeMap<>(replay.contents());
      expected.keySet().removeAll(keysLeftOut(report));
      if (!Stores.same(found, expected)) {
        throw new AssertionError("salvaged " + Stores.text(found));
      }
    }
    found.forEach((key, value) -> {
      if (!replay.wasWritten(key, value)) {
        throw new AssertionError("salvaged a value of " + key + " that nobody wrote");
      }
    });
  }

  /// A copy holds what an open that serves the rest of a damaged store holds, if there is one.
  private static void requireServed(
      Path directory, Map<String, byte[]> found, SalvageReport report) {
    Map<String, byte[]> served = new TreeMap<>();
    RecoveryReport recovery;
    try (KvStore store = KvStore.open(directory, Stores.REST)) {
      served.putAll(Stores.contents(store));
      recovery = store.recovery();
    } catch (StoreException e) {
      return;
    }
    Set<String> leftOut = keysLeftOut(report);
    served.keySet().removeAll(leftOut);
    Map<String, byte[]> copied = new TreeMap<>(found);
    copied.keySet().removeAll(leftOut);
    if (!Stores.same(copied, served)) {
      throw new AssertionError(
          "salvaged "
              + Stores.text(copied)
              + ", served "
              + Stores.text(served)
              + "\n"
              + report
              + "\n"
              + recovery);
    }
  }

  /// Keys of records that verify and have a value that is none of its type: they are left out and named.
  private static Set<String> keysLeftOut(SalvageReport report) {
    return report.damages().stream()
        .flatMap(damage -> damage.keys().stream())
        .map(Stores::text)
        .collect(Collectors.toSet());
  }

  /// Without one everything counts that verifies.
  private static void requireNewest(
      Map<String, byte[]> found, SalvageReport report, TwoSegments log) {
    Map<String, List<Plain>> newest = new HashMap<>();
    log.eachRecord((file, record) -> {
      if (record.isEntry()) {
        newest.merge(Stores.text(record.key()), List.of(record), InspectorFuzzTest::newer);
      }
    });
    Set<String> leftOut = keysLeftOut(report);
    newest.keySet().removeAll(leftOut);
    found.keySet().removeAll(leftOut); // an older value may show, and it has been said
    newest.forEach((key, records) -> {
      byte[] value = found.remove(key);
      if (records.stream().noneMatch(record -> isOf(record, value))) {
        throw new AssertionError(key + " was not salvaged as its newest record has it");
      }
    });
    if (!found.isEmpty()) {
      throw new AssertionError("salvaged what no record has: " + found.keySet());
    }
  }

  private static boolean isOf(Plain record, byte @Nullable [] value) {
    return record.kind() == PlainRecords.PUT
        ? value != null && Arrays.equals(value, record.value())
        : value == null;
  }

  /// Of records with the same number either may be taken for the newest.
  private static List<Plain> newer(List<Plain> a, List<Plain> b) {
    long first = a.getFirst().sequence();
    long second = b.getFirst().sequence();
    return first == second
        ? Stream.concat(a.stream(), b.stream()).toList()
        : first > second ? a : b;
  }

  /// Directories in memory, where the system has such a place.
  private static final class Scratch {
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");

    static Path make() {
      try {
        return Files.isWritable(SHARED_MEMORY)
            ? Files.createTempDirectory(SHARED_MEMORY, "kvstore-fuzz-")
            : Files.createTempDirectory("kvstore-fuzz-");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    static void write(Path directory, Map<String, byte[]> files) {
      try {
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
          Files.write(directory.resolve(file.getKey()), file.getValue());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    static Map<String, byte[]> read(Path directory) {
      Map<String, byte[]> files = new TreeMap<>();
      try (Stream<Path> paths = Files.list(directory)) {
        for (Path path : paths.toList()) {
          files.put(path.getFileName().toString(), Files.readAllBytes(path));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return files;
    }

    static void delete(Path directory) {
      if (!Files.exists(directory)) {
        return;
      }
      try (Stream<Path> paths = Files.walk(directory)) {
        for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}

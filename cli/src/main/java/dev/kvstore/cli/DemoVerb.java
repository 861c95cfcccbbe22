package dev.kvstore.cli;

import dev.kvstore.CompactionReport;
import dev.kvstore.Damage;
import dev.kvstore.Durability;
import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.RecoveryReport;
import dev.kvstore.StoreInspector;
import dev.kvstore.Value;
import dev.kvstore.VerifyReport;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/// `demo`: shows on real data what the store promises.
///
/// Loads a data set, changes a part of it, kills a process in the middle of its writes, and proves
/// that nothing that was acknowledged is missing. The exit code is 3 if anything was.
@Command(
    name = "demo",
    description = {
      "Shows on real data what the store promises.",
      "Loads a data set, reads it back, overwrites and deletes a part, kills a process in the"
          + " middle of its writes, recovers, proves that nothing acknowledged is missing, and"
          + " compacts. Exit code 3 if anything is missing.",
    },
    footer = {
      "Works in a temporary directory and removes it, unless --data-dir names an empty one.",
      "Data: " + UnicodeData.TITLE + ", from the " + UnicodeData.SOURCE + ";",
      UnicodeData.LICENCE + ".",
    })
final class DemoVerb extends Verb {
  private static final int CHUNK_ENTRIES = 500;

  /// How many acknowledged writes the process that is killed may reach, and how long it may take.
  private static final long ACKS_BEFORE_KILL = 20_000;

  private static final long NANOS_BEFORE_KILL = TimeUnit.SECONDS.toNanos(10);

  /// What the store must hold: the model that it is compared with.
  private final Map<String, String> expected = new HashMap<>();

  /// What was deleted and must not come back.
  private final List<String> removed = new ArrayList<>();

  /// The highest acknowledged write of each lane.
  private final long[] acked = new long[DemoWriter.LANES];

  private long missing;
  private int steps;

  // Written by the verb's thread, read by the interrupt's.
  private volatile @Nullable Process writer;
  private volatile @Nullable KvStore open;

  @Override
  int run() throws IOException {
    if (kvstore().namesDirectory()) {
      Path directory = directory();
      if (!StoreAccess.isAbsent(directory)) {
        throw new BadInputException(directory + " is not an empty directory; the demo needs one");
      }
      try (Interrupts.Registration _ = kvstore().interrupts().onInterrupt(this::stop)) {
        return demonstrate(directory);
      }
    }
    try (TemporaryDirectory temporary = new TemporaryDirectory(null);
        Interrupts.Registration _ =
            kvstore()
                .interrupts()
                .onInterrupt(() -> {
                  stop();
                  temporary.delete();
                })) {
      return demonstrate(temporary.path().resolve("store"));
    }
  }

  private void stop() {
    Process process = writer;
    if (process != null) {
      process.toHandle().destroyForcibly();
      process.onExit().join();
    }
    KvStore store = open;
    if (store != null) {
      store.close();
    }
  }

  private int demonstrate(Path directory) throws IOException {
    Map<String, String> records = UnicodeData.read();
    out().line("KvStore " + Version.number() + ", store in " + directory);
    out().line("Data: " + UnicodeData.TITLE + " (" + UnicodeData.SOURCE + ";");
    out().line("      " + UnicodeData.LICENCE + ")");
    out().line("");
    try (KvStore store = opened(directory)) {
      load(store, records);
      compare(store, "read back");
      change(store);
      compare(store, "read back");
    }
    killWriter(directory);
    try (KvStore store = opened(directory)) {
      showRecovery(store.recovery());
      compareAcknowledged(store);
      compare(store, "read back");
      compact(store);
      compare(store, "read back");
    }
    verify(directory);
    out().line("");
    if (missing > 0) {
      out().line("FAILED: " + Units.count(missing, "record") + " missing or wrong");
      return ExitCode.STORE_ERROR;
    }
    out().line("Nothing that was acknowledged is missing.");
    return ExitCode.DONE;
  }

  private KvStore opened(Path directory) {
    KvStore store = KvStore.open(directory, kvstore().options());
    open = store;
    return store;
  }

  private void load(KvStore store, Map<String, String> records) {
    long begin = System.nanoTime();
    long bytes = 0;
    long count = 0;
    try (ProgressRow progress = ProgressRow.ofPieces(streams(), "load", records.size())) {
      List<Entry> chunk = new ArrayList<>(CHUNK_ENTRIES);
      for (Map.Entry<String, String> record : records.entrySet()) {
        Entry entry = Entry.of(record.getKey(), record.getValue());
        bytes += entry.key().length + entry.value().toBytes().length;
        chunk.add(entry);
        if (++count % CHUNK_ENTRIES == 0 || count == records.size()) {
          store.putAll(chunk);
          chunk.clear();
          progress.at(count);
        }
      }
    }
    expected.putAll(records);
    long nanos = System.nanoTime() - begin;
    step(
        "load",
        Units.count(count, "record")
            + ", "
            + Units.bytes(bytes)
            + " in "
            + Units.nanos(nanos)
            + " ("
            + Units.rate(count, nanos)
            + ", "
            + Units.byteRate(bytes, nanos)
            + "), all on the disk");
  }

  /// Compares every record of the data set with the model, and the number of keys, too.
  private void compare(KvStore store, String name) {
    long begin = System.nanoTime();
    long wrong = 0;
    long done = 0;
    try (ProgressRow progress = ProgressRow.ofPieces(streams(), name, expected.size())) {
      for (Map.Entry<String, String> record : expected.entrySet()) {
        String found = store.getString(record.getKey()).orElse(null);
        if (!record.getValue().equals(found)) {
          wrong++;
        }
        if (++done % 1000 == 0) {
          progress.at(done);
        }
      }
      progress.at(done);
    }
    wrong += removed.stream().filter(store::contains).count();
    long nanos = System.nanoTime() - begin;
    missing += wrong;
    step(
        name,
        Units.count(done, "record")
            + " compared in "
            + Units.nanos(nanos)
            + " ("
            + Units.rate(done, nanos)
            + "), "
            + (wrong == 0 ? "all as written" : Units.count(wrong) + " WRONG")
            + (removed.isEmpty() ? "" : ", " + Units.count(removed.size()) + " deleted ones gone"));
  }

  private void change(KvStore store) {
    List<Entry> chunk = new ArrayList<>(CHUNK_ENTRIES);
    long begin = System.nanoTime();
    long overwritten = 0;
    List<Map.Entry<String, String>> records = List.copyOf(expected.entrySet());
    try (ProgressRow progress = ProgressRow.ofPieces(streams(), "change", records.size())) {
      for (int i = 0; i < records.size(); i++) {
        String key = records.get(i).getKey();
        if (i % 10 == 0) {
          removed.add(key);
        } else if (i % 2 == 0) {
          String value = records.get(i).getValue().toLowerCase(Locale.ROOT) + ";changed";
          chunk.add(new Entry(key.getBytes(StandardCharsets.UTF_8), Value.of(value)));
          expected.put(key, value);
          overwritten++;
        }
        if (chunk.size() == CHUNK_ENTRIES || i == records.size() - 1) {
          store.putAll(chunk);
          chunk.clear();
          progress.at(i + 1);
        }
      }
    }
    long overwriteNanos = System.nanoTime() - begin;
    begin = System.nanoTime();
    KvStore relaxed = store.withDurability(Durability.OS);
    for (String key : removed) {
      expected.remove(key);
      if (!relaxed.delete(key)) {
        missing++;
      }
    }
    store.sync();
    long deleteNanos = System.nanoTime() - begin;
    step(
        "overwrite",
        Units.count(overwritten, "record")
            + " in "
            + Units.nanos(overwriteNanos)
            + " ("
            + Units.rate(overwritten, overwriteNanos)
            + ")");
    step(
        "delete",
        Units.count(removed.size(), "record")
            + " in "
            + Units.nanos(deleteNanos)
            + " ("
            + Units.rate(removed.size(), deleteNanos)
            + ")");
  }

  /// Lets another process write, and kills it half-way.
  private void killWriter(Path directory) throws IOException {
    Process process =
        new ProcessBuilder(
                java(),
                "-XX:+UseSerialGC",
                "-Xlog:disable",
                "-cp",
                System.getProperty("java.class.path"),
                DemoWriter.class.getName(),
                directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    writer = process;
    long begin = 0;
    long acks = 0;
    long acksAtKill = 0;
    try (BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
        ProgressRow progress = ProgressRow.ofPieces(streams(), "write", 2 * ACKS_BEFORE_KILL)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        begin = begin == 0 ? System.nanoTime() : begin;
        if (!acknowledge(line)) {
          break; // Half a line: the writer died within it.
        }
        acks++;
        boolean isTime = acks >= ACKS_BEFORE_KILL || System.nanoTime() - begin > NANOS_BEFORE_KILL;
        if (acksAtKill == 0 && isTime) {
          acksAtKill = acks;
          // Not by the process itself, which would close the pipe and lose acknowledgements in it.
          process.toHandle().destroyForcibly();
        }
        if (acks % 100 == 0) {
          progress.at(Math.min(acks, ACKS_BEFORE_KILL));
        }
      }
    } finally {
      process.destroyForcibly();
    }
    int code = process.onExit().join().exitValue();
    writer = null;
    if (acksAtKill == 0) {
      throw new IOException("the writing process ended by itself, with exit code " + code);
    }
    long nanos = System.nanoTime() - begin;
    step(
        "kill -9",
        "process "
            + process.pid()
            + " died (exit code "
            + code
            + ") after "
            + Units.count(acks, "acknowledged write")
            + " on "
            + DemoWriter.LANES
            + " threads ("
            + Units.rate(acks, nanos)
            + ", each on the disk)");
  }

  /// The Java that runs this.
  private static String java() {
    return ProcessHandle.current()
        .info()
        .command()
        .orElseGet(() -> System.getProperty("java.home") + File.separator + "bin/java");
  }

  /// Notes an acknowledgement; false if the line is none.
  private boolean acknowledge(String line) {
    int blank = line.indexOf(' ');
    if (blank < 0 || blank == line.length() - 1) {
      return false;
    }
    int lane = Integer.parseInt(line.substring(0, blank));
    long number = Long.parseLong(line.substring(blank + 1));
    if (number != acked[lane] + 1) {
      return false; // Only the last line can be cut, and a cut number is smaller.
    }
    acked[lane] = number;
    return true;
  }

  private void showRecovery(RecoveryReport report) {
    step(
        "recover",
        report.outcome().toString().toLowerCase(Locale.ROOT)
            + " in "
            + Units.nanos(report.duration().toNanos())
            + ": "
            + Units.count(report.segments(), "segment")
            + ", "
            + Units.count(report.recordsRead(), "record")
            + " and "
            + Units.bytes(report.bytesRead())
            + " read, "
            + Units.count(report.keys(), "key"));
    detail(
        report.tailBytesCut() == 0
            ? "no torn write at the end of the log"
            : Units.bytes(report.tailBytesCut()) + " cut off the end: " + report.tailReason());
    for (Damage damage : report.damages()) {
      detail("damage: " + VerifyVerb.line(damage));
    }
  }

  /// Compares every acknowledged write that was not overwritten by a later one of its lane. The one
  /// write of each lane that was under way may be there or not; anything else is an error.
  private void compareAcknowledged(KvStore store) {
    long begin = System.nanoTime();
    long wrong = 0;
    long compared = 0;
    long unacknowledged = 0;
    for (int lane = 0; lane < DemoWriter.LANES; lane++) {
      long last = acked[lane];
      for (long number = Math.max(1, last - DemoWriter.SLOTS + 1); number <= last; number++) {
        byte[] found = store.get(DemoWriter.key(lane, number));
        compared++;
        if (Arrays.equals(found, DemoWriter.value(lane, number))) {
          continue;
        }
        boolean replaced =
            DemoWriter.SLOTS + number == last + 1
                && Arrays.equals(found, DemoWriter.value(lane, last + 1));
        wrong += replaced ? 0 : 1;
      }
      byte[] next = store.get(DemoWriter.key(lane, last + 1));
      unacknowledged += Arrays.equals(next, DemoWriter.value(lane, last + 1)) ? 1 : 0;
    }
    missing += wrong;
    long writes = Arrays.stream(acked).sum();
    step(
        "prove",
        Units.count(writes, "acknowledged write")
            + ": "
            + Units.count(compared, "record")
            + " compared in "
            + Units.nanos(System.nanoTime() - begin)
            + (writes == compared ? "" : ", the other writes replaced by later ones")
            + ", "
            + (wrong == 0 ? "none missing" : Units.count(wrong) + " MISSING"));
    detail(
        "of "
            + DemoWriter.LANES
            + " writes under way at the kill "
            + unacknowledged
            + " had been made, unacknowledged");
  }

  private void compact(KvStore store) {
    long before = store.stats().diskBytes();
    CompactionReport report = CompactVerb.compact(store, kvstore());
    long after = store.stats().diskBytes();
    step(
        "compact",
        Units.bytes(before)
            + " -> "
            + Units.bytes(after)
            + " on disk in "
            + Units.nanos(report.duration().toNanos()));
    detail(CompactVerb.line(report));
  }

  private void verify(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new NoStoreException(directory);
    }
    VerifyReport report;
    try (ProgressRow progress = ProgressRow.ofBytes(streams(), "verify", -1)) {
      report = StoreInspector.verify(directory, progress);
    }
    missing += report.damages().size();
    step(
        "verify",
        Units.count(report.records(), "record")
            + ", "
            + Units.bytes(report.bytes())
            + " in "
            + Units.nanos(report.duration().toNanos())
            + ", "
            + (report.isIntact() ? "every checksum right" : report.damages().size() + " DAMAGED"));
  }

  private void step(String name, String text) {
    steps++;
    out().line(String.format(Locale.ROOT, "%2d  %-10s  %s", steps, name, text));
    out().flush();
  }

  private void detail(String text) {
    out().line(" ".repeat(16) + text);
  }
}

package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.DamagePolicy;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.RecordInfo;
import dev.kvstore.SalvageReport;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.VerifyReport;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentBytes;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import dev.kvstore.segment.SegmentSealer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/// Behind [dev.kvstore.StoreInspector]: looks at the files themselves, beside the engine.
public final class Inspection {
  private Inspection() {}

  private static <T> T onOwnThread(Callable<T> task) {
    return Workers.threads().callOn("store-inspect", task);
  }

  private static Directory disk(Path path) {
    return DiskDirectory.open(path, Access.READ, false);
  }

  // ---- Verify

  /// See [dev.kvstore.StoreInspector#verify].
  public static VerifyReport verify(Path path, Progress progress) {
    return onOwnThread(() -> verify(disk(path), progress));
  }

  /// The same in a directory that nobody has locked; it is closed in the end.
  public static VerifyReport verify(Directory directory, Progress progress) {
    long start = System.nanoTime();
    try (SegmentFiles store = SegmentFiles.open(directory)) {
      while (true) {
        try {
          return verify(store, progress, start);
        } catch (InternalError fault) {
          store.readAround(fault);
        }
      }
    }
  }

  private static VerifyReport verify(SegmentFiles store, Progress progress, long start) {
    Meter meter = new Meter(progress, store.segments());
    List<Damage> damages = new ArrayList<>(store.damages());
    List<String> notes = new ArrayList<>();
    long keys = 0;
    long tailBytes = 0;
    long records = 0;
    long bytes = 0;
    int files = 0;
    StoreIoException cannotOpen = null;
    Map<Long, SealedSegment> sealed = new HashMap<>();
    Manifest manifest = store.manifest();
    if (manifest != null) {
      files++;
      manifest.sealed().forEach(segment -> sealed.put(segment.id(), segment));
      try {
        // What an open would find, without taking anything for granted afterwards.
        RecoveredView view = RecoveredView.of(store.directory());
        keys = view.keys();
        tailBytes = view.tailBytes();
        damages.addAll(view.damages());
      } catch (StoreIoException e) {
        cannotOpen = e;
        notes.add("an open fails, so nobody knows how many keys there are: " + e.getMessage());
      }
      verifyOpen(store, manifest, damages);
    }
    for (Segment segment : store.segments()) {
      files++;
      SealedSegment listed = sealed.get(segment.id());
      if (listed != null && segment.end() > listed.bytes()) {
        notes.add(
            segment.name()
                + " has "
                + (segment.end() - listed.bytes())
                + " bytes behind its seal, which nothing reads");
      }
      if (listed != null || manifest == null) {
        records += verifySegment(segment, listed, damages, meter);
      } else {
        records += countRecords(segment, damages, meter);
      }
      bytes += segment.end();
      if (listed != null) {
        verifyHint(store, listed, damages, notes);
      }
      meter.segmentDone(segment);
    }
    verifyImage(store, damages, notes);
    noteStrangers(store, notes);
    if (cannotOpen != null && damages.isEmpty()) {
      throw cannotOpen;
    }
    return new VerifyReport(
        files,
        records,
        bytes,
        keys,
        tailBytes,
        List.copyOf(notes),
        withoutRepeats(damages),
        Duration.ofNanos(System.nanoTime() - start));
  }

  /// Tells how far it is, a few times for each segment.
  private static final class Meter {
    private static final long STEP_BYTES = 8L << 20;

    private final Progress progress;
    private final long total;
    private long done;
    private long next = STEP_BYTES;

    Meter(Progress progress, List<Segment> segments) {
      this.progress = progress;
      this.total = segments.stream().mapToLong(Segment::end).sum();
      progress.at(0, total);
    }

    void at(long position) {
      if (position >= next) {
        progress.at(done + position, total);
        next = position + STEP_BYTES;
      }
    }

    void segmentDone(Segment segment) {
      done += segment.end();
      next = STEP_BYTES;
      progress.at(done, total);
    }
  }

  /// What recovery finds when it may change nothing and refuses nothing.
  private record RecoveredView(long keys, long tailBytes, List<Damage> damages) {
    static RecoveredView of(Directory directory) {
      Options options =
          Options.builder().readOnly(true).damagePolicy(DamagePolicy.SERVE_REST).build();
      Recovery.Result result =
          Recovery.run(directory, options, Environment.system(), new HashIndex());
      try {
        return new RecoveredView(
            result.report().keys(), result.report().tailBytesCut(), result.report().damages());
      } finally {
        result.segments().all().forEach(Segment::retire);
        result.index().close();
      }
    }
  }

  private static long verifySegment(
      Segment segment, @Nullable SealedSegment listed, List<Damage> damages, Meter meter) {
    long limit = listed == null ? segment.end() : Math.min(segment.end(), listed.bytes());
    SegmentScanner scanner = new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, limit);
    long records = 0;
    boolean intact = true;
    while (true) {
      while (scanner.next()) {
        records++;
        checkPadding(segment, scanner, damages);
        meter.at(scanner.position());
      }
      if (scanner.problem() == null) {
        break;
      }
      long from = scanner.position();
      if (listed == null && scanner.lastNonZero() == from) {
        break; // the unused rest of a segment that was not sealed
      }
      String problem = String.valueOf(scanner.problem());
      List<byte[]> keys = scanner.likelyKeys();
      intact = false;
      scanner.resync();
      damages.add(new Damage(segment.name(), from, scanner.position() - from, problem, keys));
    }
    if (intact && listed != null && limit == listed.bytes()) {
      long sealAt = limit - RecordFormat.SEAL_BYTES;
      SegmentScanner seal = new SegmentScanner(segment, sealAt, limit);
      if (seal.next()
          && seal.kind() == RecordFormat.SEAL
          && !seal.seal().equals(SegmentSealer.Summary.of(segment).seal())) {
        damages.add(
            damage(segment, sealAt, RecordFormat.SEAL_BYTES, "the seal counts other records"));
      }
    }
    return records;
  }

  /// Replays the open segments from their beginning, without the help of the index image, and holds
  /// the image's word about how far they reached against what is there.
  private static void verifyOpen(SegmentFiles store, Manifest manifest, List<Damage> damages) {
    Findings findings = new Findings(DamagePolicy.SERVE_REST);
    SegmentTable table = new SegmentTable();
    List<Segment> open = new ArrayList<>();
    for (Segment segment : store.segments()) {
      if (manifest.open().contains(segment.id())) {
        open.add(segment);
        table.add(segment, segment.end());
      }
    }
    open.sort(Comparator.comparingInt(segment -> manifest.open().indexOf(segment.id())));
    try (HashIndex index = new HashIndex()) {
      KeyHasher hasher = new KeyHasher(store.store());
      try (IndexLoad load = new IndexLoad(index, table, findings)) {
        OrderedScan scan = new OrderedScan(SegmentBytes::ofMapping, hasher, load);
        new TailScan(open, hasher, findings, manifest.sealedSequence())
            .addTo(scan, SegmentFormat.HEADER_BYTES);
        scan.run(Workers.inline(), 1);
        load.finish(Workers.inline(), 1);
      }
    }
    damages.addAll(findings.damages());
    damages.addAll(store.cutShort(open));
  }

  /// Names segment files that the manifest does not list.
  private static void noteStrangers(SegmentFiles store, List<String> notes) {
    Manifest manifest = store.manifest();
    if (manifest == null) {
      return;
    }
    Set<String> known = new HashSet<>();
    manifest.sealed().forEach(segment -> known.add(SegmentFormat.segmentName(segment.id())));
    manifest.open().forEach(id -> known.add(SegmentFormat.segmentName(id)));
    for (String name : store.directory().list()) {
      if (SegmentFormat.segmentIdOf(name).isPresent() && !known.contains(name)) {
        notes.add(name + " is not part of the store");
      }
    }
  }

  private static void checkPadding(Segment segment, SegmentScanner scanner, List<Damage> damages) {
    if (!scanner.paddingIsZero()) {
      damages.add(damage(segment, scanner.offset(), scanner.recordBytes(), "padding is not zero"));
    }
  }

  private static long countRecords(Segment segment, List<Damage> damages, Meter meter) {
    SegmentScanner scanner = new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.end());
    long records = 0;
    do {
      while (scanner.next()) {
        records++;
        checkPadding(segment, scanner, damages);
        meter.at(scanner.position());
      }
    } while (scanner.problem() != null && scanner.resync());
    return records;
  }

  private static Damage damage(Segment segment, long offset, long bytes, @Nullable String problem) {
    return new Damage(segment.name(), offset, bytes, String.valueOf(problem), List.of());
  }

  private static void verifyHint(
      SegmentFiles store, SealedSegment listed, List<Damage> damages, List<String> notes) {
    String name = SegmentFormat.hintName(listed.id());
    if (!store.directory().list().contains(name)) {
      notes.add(name + " is missing; the next open reads the segment instead and writes it anew");
      return;
    }
    try {
      HintFile.open(store.directory(), store.store(), listed).close();
    } catch (StoreCorruptionException e) {
      damages.add(rebuilt(e));
    } catch (StoreIoException e) {
      damages.add(rebuilt(name, e));
    } catch (StoreVersionException e) {
      notes.add(String.valueOf(e.getMessage()));
    }
  }

  private static void verifyImage(SegmentFiles store, List<Damage> damages, List<String> notes) {
    if (!store.directory().list().contains(IndexImage.NAME)) {
      return;
    }
    try (IndexImage.Opened image =
            IndexImage.read(store.directory(), store.store(), Workers.inline(), 1);
        HashIndex index = new HashIndex()) {
      image.load(index);
    } catch (StoreCorruptionException e) {
      damages.add(rebuilt(e));
    } catch (StoreIoException e) {
      damages.add(rebuilt(IndexImage.NAME, e));
    } catch (InternalError e) {
      damages.add(rebuilt(IndexImage.NAME, IndexImage.lost(e)));
    } catch (StoreVersionException e) {
      notes.add(e.getMessage());
    }
  }

  private static Damage rebuilt(StoreCorruptionException e) {
    return new Damage(
        e.file(), e.offset(), 0, e.problem() + " (no data in it; rebuilt when needed)", List.of());
  }

  private static Damage rebuilt(String file, StoreIoException e) {
    return new Damage(
        file, 0, 0, "it cannot be read, and has no data in it: " + e.getMessage(), List.of());
  }

  static List<Damage> withoutRepeats(List<Damage> damages) {
    Set<String> seen = new HashSet<>();
    return damages.stream().filter(d -> seen.add(d.file() + "@" + d.offset())).toList();
  }

  // ---- Salvage

  /// See [dev.kvstore.StoreInspector#salvage].
  public static SalvageReport salvage(
      Path path, Path target, boolean provenance, Progress progress) {
    return onOwnThread(() -> Salvage.run(path, target, provenance, progress));
  }

  /// The same from and into directories that nobody has locked; they are closed in the end. What was
  /// written when this fails stays.
  public static SalvageReport salvage(
      Directory directory,
      Directory target,
      Environment environment,
      boolean provenance,
      Progress progress) {
    return Salvage.run(directory, target, environment, provenance, progress);
  }

  // ---- Receipts

  /// See [dev.kvstore.StoreInspector#recoveryHistory].
  public static List<String> recoveryHistory(Path path) {
    return onOwnThread(() -> {
      try (Directory directory = disk(path)) {
        return recoveryHistory(directory);
      }
    });
  }

  /// The same in a directory, which stays open.
  public static List<String> recoveryHistory(Directory directory) {
    return RecoveryHistory.read(directory);
  }

  // ---- Records

  /// See [dev.kvstore.StoreInspector#records].
  public static Stream<RecordInfo> records(Path path) {
    return records(onOwnThread(() -> openReadable(disk(path))));
  }

  /// The same in a directory that nobody has locked; it is closed with the stream.
  public static Stream<RecordInfo> records(Directory directory) {
    return records(openReadable(directory));
  }

  private static SegmentFiles openReadable(Directory directory) {
    SegmentFiles store = SegmentFiles.open(directory);
    try {
      store.requireReadable();
      return store;
    } catch (StoreIoException e) {
      store.close();
      throw e;
    }
  }

  private static Stream<RecordInfo> records(SegmentFiles store) {
    Set<Long> sealed = new HashSet<>();
    Manifest manifest = store.manifest();
    if (manifest != null) {
      manifest.sealed().forEach(segment -> sealed.add(segment.id()));
    }
    return store.segments().stream()
        .flatMap(segment ->
            StreamSupport.stream(new RecordWalk(segment, sealed.contains(segment.id())), false))
        .onClose(() ->
            onOwnThread(() -> {
              store.close();
              return true;
            }));
  }

  /// See [dev.kvstore.StoreInspector#recordBytes].
  public static byte[] recordBytes(Path path, String file, long offset) {
    return onOwnThread(() -> recordBytes(disk(path), file, offset));
  }

  /// The same in a directory that nobody has locked; it is closed in the end.
  public static byte[] recordBytes(Directory directory, String file, long offset) {
    try (SegmentFiles store = openReadable(directory)) {
      return recordBytes(store, file, offset);
    }
  }

  private static byte[] recordBytes(SegmentFiles store, String file, long offset) {
    for (Segment segment : store.segments()) {
      if (!segment.name().equals(file)) {
        continue;
      }
      if (offset < SegmentFormat.HEADER_BYTES || offset % 8 != 0 || offset >= segment.end()) {
        throw new IllegalArgumentException(
            "records of "
                + file
                + " begin at multiples of 8 from "
                + SegmentFormat.HEADER_BYTES
                + " to "
                + segment.end()
                + ", not at "
                + offset);
      }
      MemorySegment log = segment.memory();
      try {
        String problem = RecordFormat.problem(log, offset, segment.end());
        if (problem != null) {
          throw new IllegalArgumentException(
              "no record at " + file + " @ " + offset + ": " + problem);
        }
        return log.asSlice(offset, RecordFormat.recordBytes(log, offset))
            .toArray(ValueLayout.JAVA_BYTE);
      } catch (InternalError e) {
        throw segment.lost(e);
      }
    }
    throw new IllegalArgumentException("the store has no segment file " + file);
  }
}

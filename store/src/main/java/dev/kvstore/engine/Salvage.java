package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.DamagePolicy;
import dev.kvstore.Durability;
import dev.kvstore.Encoding;
import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.SalvageReport;
import dev.kvstore.StoreEncodingException;
import dev.kvstore.StoreFailedException;
import dev.kvstore.StoreIoException;
import dev.kvstore.Value;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.io.Staging;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.RecordChecksum;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentBytes;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Copies what verifies into a new store; see [dev.kvstore.StoreInspector#salvage].
///
/// What counts is what an open that serves the rest would find: everything in sealed segments that
/// verifies, and the open ones as far as the log goes. Without a manifest nobody knows which are sealed,
/// and everything that verifies counts.
final class Salvage {
  private static final int CHUNK_BYTES = 4 << 20;

  private final SegmentFiles store;
  private final Environment environment;
  private final Progress progress;
  private final long startNanos = System.nanoTime();
  private final RecordChecksum checksum = new RecordChecksum();
  private final List<Damage> leftOut = new ArrayList<>(); // of the copy, each with its key

  // What was found so far; begun anew when memory turns out to be unreadable.
  private SegmentTable table = new SegmentTable();
  private Findings findings = new Findings(DamagePolicy.SERVE_REST);
  private List<Damage> damages = new ArrayList<>();
  private long bytes;

  private Salvage(SegmentFiles store, Environment environment, Progress progress) {
    this.store = store;
    this.environment = environment;
    this.progress = progress;
  }

  /// Copies out of sight, and shows the copy when all of it is there.
  static SalvageReport run(Path path, Path target, boolean provenance, Progress progress) {
    Directory directory = DiskDirectory.open(path, Access.READ, false);
    try (SegmentFiles store = SegmentFiles.openByHeader(directory)) {
      Staging staging = Staging.in(target, directory.path());
      try {
        Directory copy = DiskDirectory.open(staging.path(), Access.WRITE, false);
        SalvageReport report =
            new Salvage(store, Environment.system(), progress)
                .into(copy, staging.target(), provenance);
        staging.publish(Manifest.NAME);
        return report;
      } catch (StoreIoException e) {
        staging.discard(e);
        throw new StoreIoException(
            "nothing was salvaged into "
                + target
                + ", what was written there is removed: "
                + e.getMessage(),
            e,
            e.isNoSpace());
      } catch (Throwable e) {
        staging.discard(e);
        throw e;
      }
    }
  }

  /// Copies from one directory into another, in sight. Closes both, also when this fails.
  static SalvageReport run(
      Directory directory,
      Directory target,
      Environment environment,
      boolean provenance,
      Progress progress) {
    try (target;
        SegmentFiles store = SegmentFiles.openByHeader(directory)) {
      return new Salvage(store, environment, progress).into(target, target.path(), provenance);
    }
  }

  /// @param target where to write, closed in the end
  /// @param place where that is going to be
  private SalvageReport into(Directory target, Path place, boolean provenance) {
    try (target;
        HashIndex index = load()) {
      long keys;
      Options options = Options.builder().durability(Durability.OS).build();
      try (KvStore copy = StoreEngine.open(target, options, environment)) {
        keys = provenance ? copyWithProvenance(index, copy, target) : copy(index, copy, null);
        copy.sync();
      } catch (StoreFailedException e) {
        // What it says about going on is for a store that stays.
        throw e.getCause() instanceof StoreIoException failure ? failure : e;
      }
      return new SalvageReport(
          keys,
          findings.recordsRead(),
          lost(),
          findings.dropped(),
          provenance ? Optional.of(place.resolve(Provenance.NAME)) : Optional.empty(),
          Duration.ofNanos(System.nanoTime() - startNanos));
    } catch (InternalError fault) {
      // The JVM may throw it a moment after the access, from compiled code.
      throw new StoreIoException("memory of a file of the store could not be read", fault);
    }
  }

  // ---- What counts

  private HashIndex load() {
    while (true) {
      HashIndex index = new HashIndex();
      try {
        if (load(index)) {
          return index;
        }
        index.close();
        beginAgain();
      } catch (InternalError fault) {
        index.close();
        beginAgain();
        store.readAround(fault);
      } catch (Throwable e) {
        index.close();
        throw e;
      }
    }
  }

  private void beginAgain() {
    table = new SegmentTable();
    findings = new Findings(DamagePolicy.SERVE_REST);
    damages = new ArrayList<>();
    bytes = 0;
  }

  /// @return false if it has to be done once more, since the manifest turned out to be older than the log
  private boolean load(HashIndex index) {
    damages.addAll(store.damages());
    Manifest manifest = store.manifest();
    Map<Long, SealedSegment> sealed = new HashMap<>();
    for (Segment segment : store.segments()) {
      table.add(segment, segment.end());
      bytes += segment.end();
    }
    if (manifest != null) {
      manifest.sealed().forEach(listed -> sealed.put(listed.id(), listed));
    }
    KeyHasher hasher = new KeyHasher(store.store());
    try (IndexLoad load = new IndexLoad(index, table, findings)) {
      OrderedScan scan = new OrderedScan(SegmentBytes::ofMapping, hasher, load);
      List<Segment> open = new ArrayList<>();
      long done = 0;
      for (Segment segment : store.segments()) {
        if (manifest != null && !sealed.containsKey(segment.id())) {
          open.add(segment);
          continue;
        }
        done += segment.end();
        publishEnd(segment, sealed.get(segment.id()));
        SealedScan records = new SealedScan(segment, SegmentFormat.HEADER_BYTES, hasher, findings);
        scan.add(segment, SegmentFormat.HEADER_BYTES, segment.end(), false, records);
        scan.run(Workers.inline(), 1);
        progress.at(done, 2 * bytes);
      }
      if (manifest != null) {
        open.sort(Comparator.comparingInt(segment -> manifest.open().indexOf(segment.id())));
        TailScan tail = new TailScan(open, hasher, findings, manifest.sealedSequence());
        tail.addTo(scan, SegmentFormat.HEADER_BYTES);
        scan.run(Workers.inline(), 1);
        if (store.putAsideOlderManifest(tail.lastSequence())) {
          return false;
        }
        damages.addAll(store.cutShort(open));
      }
      load.finish(Workers.inline(), 1);
    }
    damages.addAll(findings.damages());
    return true;
  }

  private void publishEnd(Segment segment, @Nullable SealedSegment listed) {
    if (listed == null) {
      segment.publishEnd(endOfRecords(segment));
    } else if (segment.end() < listed.bytes()) {
      damages.add(
          new Damage(
              segment.name(),
              segment.end(),
              listed.bytes() - segment.end(),
              "the file is shorter than it was sealed",
              List.of()));
    } else {
      segment.publishEnd(listed.bytes());
    }
  }

  /// Where zeros begin that reach to the end of the file and are not the end of a record's value.
  private static long endOfRecords(Segment segment) {
    SegmentScanner scanner = new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.end());
    long end = scanner.lastNonZero() + 7 & -8L;
    while (scanner.position() < end) {
      if (!scanner.next() && !scanner.resync()) {
        return end;
      }
    }
    return scanner.position();
  }

  /// Each place once, and each record that was left out, since another may be told of its place.
  private List<Damage> lost() {
    return Stream.concat(Inspection.withoutRepeats(damages).stream(), leftOut.stream()).toList();
  }

  // ---- The copy

  private long copyWithProvenance(HashIndex index, KvStore copy, Directory target) {
    try (Provenance provenance = new Provenance(target)) {
      provenance.begin(
          store.directory().path().toString(),
          store.store().toString(),
          store.manifest() != null,
          environment.clock().millis());
      long keys = copy(index, copy, provenance);
      List<Damage> lost = lost();
      lost.forEach(provenance::damage);
      findings.dropped().forEach(provenance::dropped);
      provenance.end(keys, findings.recordsRead(), lost.size(), findings.dropped().size());
      return keys;
    }
  }

  private long copy(HashIndex index, KvStore copy, @Nullable Provenance provenance) {
    List<Entry> chunk = new ArrayList<>();
    List<Long> addresses = new ArrayList<>();
    long chunkBytes = 0;
    long keys = 0;
    long seen = 0;
    for (long position = HashIndex.START; position != HashIndex.END; ) {
      addresses.clear();
      position = index.collect(position, addresses::add);
      for (long address : addresses) {
        Segment segment = table.at(address);
        if (segment == null) {
          continue;
        }
        // Sequences of a new store count from 1, one for each put.
        long copied = copy(segment, segment.offsetOf(address), chunk, provenance, keys + 1);
        if (copied == 0) {
          continue;
        }
        keys++;
        chunkBytes += copied;
        if (chunkBytes > CHUNK_BYTES) {
          copy.putAll(chunk);
          chunk.clear();
          chunkBytes = 0;
        }
      }
      seen += addresses.size();
      progress.at(bytes + (long) ((double) bytes * seen / Math.max(1, index.size())), 2 * bytes);
    }
    copy.putAll(chunk);
    return keys;
  }

  /// Adds the entry of a record and returns how many bytes it takes. Adds damage instead, and returns 0, if
  /// it does not verify any more, or if its value is none of its type although it does.
  private long copy(
      Segment segment,
      long offset,
      List<Entry> chunk,
      @Nullable Provenance provenance,
      long newSequence) {
    MemorySegment log = segment.memory();
    byte @Nullable [] key = null;
    long recordBytes = 0;
    try {
      String problem = RecordFormat.problem(log, offset, segment.end());
      if (problem != null) {
        return lose(segment, offset, 0, problem, null);
      }
      recordBytes = RecordFormat.recordBytes(log, offset);
      int keySize = RecordFormat.keySize(log, offset);
      key = bytes(log, offset + RecordFormat.HEADER_BYTES, keySize);
      byte[] value =
          bytes(
              log,
              offset + RecordFormat.HEADER_BYTES + keySize,
              RecordFormat.valueSize(log, offset));
      // It has verified before; but what counts is what has been copied now.
      checksum.startBody(key, value);
      int sum = checksum.finish(log, offset) ^ RecordFormat.placeMask(segment.salt(), offset);
      if (sum != RecordFormat.checksum(log, offset)) {
        return lose(segment, offset, recordBytes, "the record does not verify any more", key);
      }
      Encoding encoding = Encoding.ofCode(RecordFormat.encodingCode(log, offset));
      Entry entry = new Entry(key, Value.decode(encoding, value));
      if (provenance != null) {
        provenance.record(key, store.fileOf(segment), log, offset, encoding.name(), newSequence);
      }
      chunk.add(entry);
      return recordBytes + keySize;
    } catch (StoreEncodingException e) {
      return lose(segment, offset, recordBytes, String.valueOf(e.getMessage()), key);
    } catch (InternalError e) {
      String problem = String.valueOf(segment.lost(e).getMessage());
      return lose(segment, offset, recordBytes, problem, key);
    }
  }

  private long lose(
      Segment segment, long offset, long recordBytes, String problem, byte @Nullable [] key) {
    List<byte[]> keys = key == null ? List.of() : List.of(key);
    leftOut.add(new Damage(segment.name(), offset, recordBytes, problem, keys));
    return 0;
  }

  private static byte[] bytes(MemorySegment log, long from, long length) {
    return log.asSlice(from, length).toArray(ValueLayout.JAVA_BYTE);
  }
}

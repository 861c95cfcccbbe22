package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.Options;
import dev.kvstore.RecoveryReport;
import dev.kvstore.RecoveryReport.IndexSource;
import dev.kvstore.RecoveryReport.Outcome;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreStartupException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.engine.IndexImage.ImagedSegment;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.FileFormat;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.Mapping;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import dev.kvstore.segment.SegmentSealer;
import dev.kvstore.segment.SegmentWriter;
import dev.kvstore.segment.StoreId;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// How a store is opened: manifest; sealed segments; index image, or hints and scans; the tail of the
/// log; then, unless read-only, the directory is left as if the store had been closed.
///
/// Nothing in the directory changes before everything has been read, so an open that fails has changed
/// nothing. After a crash the open segments are cut behind their last whole write and sealed, and new
/// writes go to a new segment: no place is ever written twice with the same sequence.
final class Recovery {
  /// What the rest of the engine starts from.
  ///
  /// @param tail segment that was closed cleanly and may be appended to; null if there is none
  /// @param readOnly whether nothing may be written: it was asked for, or there is damage
  /// @param imaged whether the index image in the directory is exactly what was loaded
  record Result(
      Manifest manifest,
      long nextSegment,
      KeyHasher hasher,
      HashIndex index,
      SegmentTable segments,
      @Nullable Segment tail,
      long lastSequence,
      boolean readOnly,
      boolean imaged,
      RecoveryReport report) {}

  private final Directory directory;
  private final Options options;
  private final Environment environment;
  private final Findings findings;
  private final SegmentTable segments = new SegmentTable();
  private final Reserve reserve;
  private final List<String> leftovers = new ArrayList<>();

  /// Every segment that was mapped, for the case that the open fails.
  private final List<Segment> opened = new ArrayList<>();

  /// Sealed segments whose length or seal is wrong: not to be loaded from a hint.
  private final Set<Segment> doubtful = new HashSet<>();

  private HashIndex index = new HashIndex();

  private Recovery(Directory directory, Options options, Environment environment) {
    this.directory = directory;
    this.options = options;
    this.environment = environment;
    this.findings = new Findings(options.damagePolicy());
    this.reserve = new Reserve(directory);
  }

  /// Opens the store in a directory that has been locked.
  static Result run(Directory directory, Options options, Environment environment) {
    Recovery recovery = new Recovery(directory, options, environment);
    try {
      return recovery.run();
    } catch (Throwable e) {
      recovery.opened.forEach(Segment::retire);
      recovery.index.close();
      throw e;
    }
  }

  /// Refuses a directory that holds something else. Changes nothing, not even a lock file.
  ///
  /// @throws StoreStartupException if there is no store, and none is to be created here
  static void requireStoreOrRoom(Directory directory, Options options) {
    List<String> names = directory.list();
    if (names.contains(Manifest.NAME)) {
      return;
    }
    for (String name : names) {
      if (isOurs(name) && !isScaffolding(name)) {
        throw new StoreCorruptionException(
            Manifest.NAME,
            0,
            "the manifest is missing although there is "
                + name
                + "; put it back, or use `kvstore salvage` to copy the records into a new store");
      }
    }
    if (options.readOnly() || !options.createIfMissing()) {
      throw new StoreStartupException("there is no store in " + directory.path());
    }
    for (String name : names) {
      if (!isOurs(name) && !name.startsWith(".") && !name.equals("lost+found/")) {
        throw new StoreStartupException(
            directory.path()
                + " is not empty and not a store: it holds "
                + name
                + "; name another directory");
      }
    }
  }

  private static boolean isOurs(String name) {
    return isScaffolding(name)
        || name.equals(IndexImage.NAME)
        || SegmentFormat.segmentIdOf(name).isPresent()
        || SegmentFormat.hintIdOf(name).isPresent();
  }

  /// What may be left by a creation that did not come to its end.
  private static boolean isScaffolding(String name) {
    return name.equals("LOCK")
        || name.equals(Manifest.NEXT_NAME)
        || name.equals(IndexImage.NEXT_NAME)
        || name.equals(RecoveryReceipt.NAME)
        || name.equals(Reserve.NAME)
        || name.equals(RecoveryReceipt.NEXT_NAME);
  }

  // ---- The whole

  private Result run() {
    long startNanos = System.nanoTime();
    Set<String> names = new HashSet<>(directory.list());
    boolean created = !names.contains(Manifest.NAME);
    if (created) {
      Manifest.empty(StoreId.random(environment.random()), options.application())
          .replaceIn(directory);
    }
    Manifest manifest = Manifest.read(directory);
    requireApplication(manifest);
    KeyHasher hasher = new KeyHasher(manifest.store());

    List<Segment> sealed = openSealed(manifest, names);
    List<Segment> open = openOpen(manifest, names);
    IndexImage.Opened image = openImage(manifest, sealed, open, names);
    boolean imaged = image != null && loadImage(image, sealed, open);
    if (!imaged) {
      place(sealed, open);
    }
    SealedLoad sealedLoad =
        new SealedLoad(directory, manifest.store(), hasher, index, segments, findings, names);
    List<Segment> toLoad = sealed;
    long first = SegmentFormat.HEADER_BYTES;
    long lastSequence = manifest.sealedSequence();
    if (imaged && image != null) {
      toLoad = withoutImaged(sealed, image);
      lastSequence = Math.max(lastSequence, image.lastSequence());
      first = replayBehindImage(sealedLoad, image, sealed, open, first);
    }
    sealedLoad.run(toLoad, doubtful, environment.workers(), options.recoveryThreads());
    TailScan tail = new TailScan(open, sealedLoad.newLoader(), hasher, findings, lastSequence);
    tail.run(first);
    sealedLoad.removeTombstones();

    requireCurrent(manifest, names, tail.lastSequence());
    boolean clean = isClean(tail, open);
    long nextSegment = nextSegment(manifest, names);
    Segment toContinue = clean && !open.isEmpty() ? open.getFirst() : null;
    // Damage is not repaired in place: what is written from now on could not be told from it later.
    boolean readOnly = options.readOnly() || !findings.damages().isEmpty();
    if (!readOnly) {
      if (!clean) {
        manifest = sealOpen(manifest, hasher, tail, open);
      }
      SegmentSealer sealer = new SegmentSealer(directory, manifest.store(), hasher);
      for (Segment segment : sealedLoad.withoutHint()) {
        SealedSegment summary = segment.sealed();
        if (summary != null) {
          sealer.writeHint(segment, summary);
        }
      }
      removeLeftovers(manifest);
    }
    Outcome outcome =
        !findings.damages().isEmpty()
            ? Outcome.DAMAGED
            : created ? Outcome.CREATED : clean ? Outcome.CLEAN : Outcome.RECOVERED;
    RecoveryReport report =
        new RecoveryReport(
            outcome,
            imaged
                ? IndexSource.IMAGE
                : sealed.isEmpty() && open.isEmpty() ? IndexSource.NOTHING : IndexSource.LOG,
            segments.all().size(),
            findings.segmentsFromHints(),
            findings.segmentsScanned(),
            findings.recordsRead(),
            findings.bytesRead(),
            index.size(),
            tail.lastSequence(),
            tail.durableSequence(),
            findings.tailBytesCut(),
            findings.tailReason(),
            findings.filesIgnored(),
            List.copyOf(leftovers),
            findings.damages(),
            Duration.ofNanos(System.nanoTime() - startNanos));
    if (!options.readOnly()) {
      RecoveryReceipt.write(directory, report);
    }
    boolean exactlyImaged =
        imaged && image != null && clean && image.lastSequence() == tail.lastSequence();
    return new Result(
        manifest,
        nextSegment,
        hasher,
        index,
        segments,
        toContinue,
        tail.lastSequence(),
        readOnly,
        exactlyImaged,
        report);
  }

  private void requireApplication(Manifest manifest) {
    options
        .application()
        .ifPresent(wanted -> {
          if (!manifest.application().equals(options.application())) {
            throw new StoreStartupException(
                "the store in "
                    + directory.path()
                    + " belongs to "
                    + manifest.application().map(Object::toString).orElse("no application")
                    + ", not to "
                    + wanted);
          }
        });
  }

  // ---- Segments

  private List<Segment> openSealed(Manifest manifest, Set<String> names) {
    List<Segment> sealed = new ArrayList<>();
    for (SealedSegment listed : manifest.sealed()) {
      String name = SegmentFormat.segmentName(listed.id());
      Segment segment = openSegment(manifest.store(), listed.id(), names, listed.bytes());
      if (segment == null) {
        continue;
      }
      segment.markSealed(listed);
      sealed.add(segment);
      if (segment.end() < listed.bytes()) {
        doubtful.add(segment);
        damage(
            name,
            segment.end(),
            listed.bytes() - segment.end(),
            "the file has " + segment.end() + " bytes, it was sealed with " + listed.bytes());
      } else if (!hasSeal(segment, listed)) {
        doubtful.add(segment);
        damage(
            name,
            listed.bytes() - RecordFormat.SEAL_BYTES,
            RecordFormat.SEAL_BYTES,
            "the seal is not the one that the manifest knows");
      }
    }
    return sealed;
  }

  private static boolean hasSeal(Segment segment, SealedSegment listed) {
    long at = listed.bytes() - RecordFormat.SEAL_BYTES;
    if (at < SegmentFormat.HEADER_BYTES) {
      return false;
    }
    SegmentScanner scanner = new SegmentScanner(segment, at, listed.bytes());
    return scanner.next()
        && scanner.kind() == RecordFormat.SEAL
        && RecordFormat.checksum(segment.memory(), at) == listed.sealChecksum();
  }

  private List<Segment> openOpen(Manifest manifest, Set<String> names) {
    List<Segment> open = new ArrayList<>();
    for (long id : manifest.open()) {
      Segment segment = openSegment(manifest.store(), id, names, Long.MAX_VALUE);
      if (segment != null) {
        open.add(segment);
      }
    }
    return open;
  }

  /// Maps a segment; its end is the end of its file, or `bytesMax`. Null if it is missing or too short
  /// to be one.
  private @Nullable Segment openSegment(StoreId store, long id, Set<String> names, long bytesMax) {
    String name = SegmentFormat.segmentName(id);
    if (!names.contains(name)) {
      damage(name, 0, 0, "the segment is missing");
      return null;
    }
    try (FileHandle file = directory.open(name, Access.READ)) {
      // Whole records only: what follows the last 8-byte boundary cannot be one.
      long bytes = Math.min(file.size(), bytesMax) & -8L;
      if (bytes < SegmentFormat.HEADER_BYTES) {
        damage(name, 0, file.size(), "the file has " + file.size() + " bytes, too few");
        return null;
      }
      Mapping mapping = Mapping.of(file, bytes, Access.READ);
      try {
        SegmentFormat.checkHeader(mapping.memory(), store, id);
      } catch (StoreCorruptionException e) {
        damageOf(e, mapping);
      } catch (StoreVersionException e) {
        mapping.retire();
        throw e;
      }
      Segment segment = new Segment(store, id, mapping, bytes);
      opened.add(segment);
      return segment;
    }
  }

  private void damageOf(StoreCorruptionException e, Mapping mapping) {
    try {
      damage(e.file(), e.offset(), SegmentFormat.HEADER_BYTES - e.offset(), e.getMessage());
    } catch (StoreCorruptionException refused) {
      mapping.retire();
      throw refused;
    }
  }

  private void damage(String file, long offset, long bytes, String problem) {
    findings.damage(new Damage(file, offset, bytes, problem, List.of()));
  }

  private void place(List<Segment> sealed, List<Segment> open) {
    for (Segment segment : sealed) {
      segments.add(segment, segment.end());
    }
    for (Segment segment : open) {
      segments.add(segment, segment.end());
    }
  }

  // ---- The index image

  private IndexImage.@Nullable Opened openImage(
      Manifest manifest, List<Segment> sealed, List<Segment> open, Set<String> names) {
    if (!names.contains(IndexImage.NAME)) {
      return null;
    }
    IndexImage.Opened image;
    try {
      image = IndexImage.open(directory, manifest.store());
    } catch (StoreCorruptionException | StoreVersionException e) {
      findings.ignored(IndexImage.NAME, e.getMessage());
      return null;
    }
    String stale;
    try {
      stale = whyStale(image, sealed, open);
    } catch (StoreCorruptionException e) {
      image.close();
      throw e;
    }
    if (stale != null) {
      findings.ignored(IndexImage.NAME, stale);
      image.close();
      return null;
    }
    return image;
  }

  private @Nullable String whyStale(
      IndexImage.Opened image, List<Segment> sealed, List<Segment> open) {
    if (!doubtful.isEmpty()) {
      return "some segments are damaged";
    }
    Map<Long, Segment> byId = new HashMap<>();
    sealed.forEach(segment -> byId.put(segment.id(), segment));
    Set<Long> imagedIds = new HashSet<>();
    for (ImagedSegment imaged : image.segments()) {
      imagedIds.add(imaged.id());
      Segment segment = byId.get(imaged.id());
      boolean isTail = imaged.id() == image.tailSegment();
      if (segment == null && isTail && !open.isEmpty() && open.getFirst().id() == imaged.id()) {
        segment = open.getFirst();
      }
      if (segment != null && isTail && segment.end() < imaged.bytes()) {
        damage(
            segment.name(),
            segment.end(),
            imaged.bytes() - segment.end(),
            "the file has "
                + segment.end()
                + " bytes, it was closed with "
                + imaged.bytes()
                + " as the index image tells");
      }
      if (segment == null
          || (isTail ? segment.end() < imaged.bytes() : segment.end() != imaged.bytes())) {
        return "segment " + imaged.id() + " is not what it was when the image was made";
      }
    }
    for (Segment segment : sealed) {
      SealedSegment summary = segment.sealed();
      if (!imagedIds.contains(segment.id())
          && summary != null
          && summary.minSequence() <= image.lastSequence()) {
        return "segment " + segment.id() + " was compacted after the image was made";
      }
    }
    return null;
  }

  private boolean loadImage(IndexImage.Opened image, List<Segment> sealed, List<Segment> open) {
    Map<Long, Segment> byId = new HashMap<>();
    sealed.forEach(segment -> byId.put(segment.id(), segment));
    open.forEach(segment -> byId.put(segment.id(), segment));
    List<Segment> rest = new ArrayList<>(sealed);
    rest.addAll(open);
    try (image) {
      for (ImagedSegment imaged : image.segments()) {
        Segment segment = byId.get(imaged.id());
        if (segment == null || !segments.addAt(segment, segment.end(), imaged.baseAddress())) {
          throw new StoreCorruptionException(IndexImage.NAME, 64, "addresses overlap");
        }
        segment.addLiveBytes(imaged.liveBytes());
        rest.remove(segment);
      }
      image.load(index, environment.workers(), options.recoveryThreads());
      rest.forEach(segment -> segments.add(segment, segment.end()));
      findings.imageLoaded(image.bytes());
      return true;
    } catch (StoreCorruptionException e) {
      findings.ignored(IndexImage.NAME, e.getMessage());
      for (Segment segment : byId.values()) {
        segments.remove(segment);
        segment.addLiveBytes(-segment.liveBytes());
      }
      index.close();
      index = new HashIndex();
      return false;
    }
  }

  private static List<Segment> withoutImaged(List<Segment> sealed, IndexImage.Opened image) {
    Set<Long> imagedIds = new HashSet<>();
    image.segments().forEach(imaged -> imagedIds.add(imaged.id()));
    return sealed.stream().filter(segment -> !imagedIds.contains(segment.id())).toList();
  }

  /// Replays what was written to the image's tail after the image was made, if that segment has been
  /// sealed since. Returns where to begin in the first open segment.
  private static long replayBehindImage(
      SealedLoad sealedLoad,
      IndexImage.Opened image,
      List<Segment> sealed,
      List<Segment> open,
      long first) {
    for (ImagedSegment imaged : image.segments()) {
      if (imaged.id() != image.tailSegment()) {
        continue;
      }
      if (!open.isEmpty() && open.getFirst().id() == imaged.id()) {
        return imaged.bytes();
      }
      for (Segment segment : sealed) {
        if (segment.id() == imaged.id()) {
          sealedLoad.scan(segment, imaged.bytes(), sealedLoad.newLoader());
        }
      }
    }
    return first;
  }

  // ---- A manifest from earlier

  /// Segments that the manifest does not know are leftovers, unless they show that it is an earlier one
  /// that was put back. A leftover with an id that the manifest never gave out is a segment without
  /// records or the output of a compaction, and neither has a record younger than the log.
  private void requireCurrent(Manifest manifest, Set<String> names, long lastSequence) {
    for (String name : names) {
      OptionalLong id = SegmentFormat.segmentIdOf(name);
      if (id.isPresent()
          && id.getAsLong() >= manifest.nextSegment()
          && hasYounger(manifest.store(), id.getAsLong(), lastSequence)) {
        damage(
            Manifest.NAME,
            0,
            0,
            "the manifest is older than " + name + ", which holds writes that it does not know of");
      }
    }
  }

  private boolean hasYounger(StoreId store, long id, long lastSequence) {
    try (FileHandle file = directory.open(SegmentFormat.segmentName(id), Access.READ)) {
      long bytes = file.size() & -8L;
      if (bytes < SegmentFormat.HEADER_BYTES) {
        return false;
      }
      Mapping mapping = Mapping.of(file, bytes, Access.READ);
      try {
        Segment segment = new Segment(store, id, mapping, bytes);
        SegmentScanner scanner = new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, bytes);
        while (scanner.next()) {
          if (scanner.sequence() > lastSequence) {
            return true;
          }
        }
        return false;
      } finally {
        mapping.retire();
      }
    }
  }

  // ---- Leaving it as if it had been closed

  /// A store that was closed has at most one open segment, cut at its end behind a mark.
  private static boolean isClean(TailScan tail, List<Segment> open) {
    return open.isEmpty()
        || (open.size() == 1
            && tail.endsDurable()
            && open.getFirst().end() == open.getFirst().memory().byteSize()
            && SegmentSealer.hasRecords(open.getFirst()));
  }

  private Manifest sealOpen(
      Manifest manifest, KeyHasher hasher, TailScan tail, List<Segment> open) {
    SegmentSealer sealer = new SegmentSealer(directory, manifest.store(), hasher);
    Manifest next = manifest;
    Set<Segment> dropped = new HashSet<>(open);
    Map<Segment, SealedSegment> sealed = new HashMap<>();
    for (Segment segment : tail.kept()) {
      if (SegmentSealer.hasRecords(segment)) {
        SealedSegment summary = seal(sealer, segment);
        next = next.withSealed(summary);
        sealed.put(segment, summary);
        dropped.remove(segment);
      }
    }
    for (long id : manifest.open()) {
      next = next.withoutOpen(id);
    }
    Manifest replacement = next;
    reserve.tapped(() -> {
      replacement.replaceIn(directory);
      return true;
    });
    sealed.forEach(Segment::markSealed);
    for (Segment segment : dropped) {
      segments.remove(segment);
      segment.retire();
    }
    return next;
  }

  private SealedSegment seal(SegmentSealer sealer, Segment segment) {
    SegmentWriter writer = reserve.tapped(() -> SegmentWriter.recover(directory, segment));
    try {
      return sealer.seal(writer, environment.clock().millis());
    } finally {
      writer.abandon(); // closes the file if sealing did not come to its end
    }
  }

  /// Removes files of ours that do not belong to the store. A file that only has a name like ours is
  /// left alone.
  private void removeLeftovers(Manifest manifest) {
    Set<String> listed = new HashSet<>();
    for (SealedSegment segment : manifest.sealed()) {
      listed.add(SegmentFormat.segmentName(segment.id()));
      listed.add(SegmentFormat.hintName(segment.id()));
    }
    manifest.open().forEach(id -> listed.add(SegmentFormat.segmentName(id)));
    for (String name : directory.list()) {
      boolean unfinished =
          name.equals(Manifest.NEXT_NAME)
              || name.equals(IndexImage.NEXT_NAME)
              || name.equals(RecoveryReceipt.NEXT_NAME);
      boolean unlisted =
          !listed.contains(name)
              && (SegmentFormat.segmentIdOf(name).isPresent()
                  || SegmentFormat.hintIdOf(name).isPresent());
      if (unfinished || (unlisted && wasMadeHere(name, manifest.store()))) {
        directory.remove(name);
        leftovers.add(name);
      } else if (unlisted) {
        findings.ignored(name, "not made by this store; left alone");
      }
    }
  }

  /// Whether a file carries the id of this store, or never got its header.
  private boolean wasMadeHere(String name, StoreId store) {
    try (FileHandle file = directory.open(name, Access.READ)) {
      byte[] header = new byte[FileFormat.HEADER_BYTES];
      if (file.size() < header.length) {
        return true;
      }
      file.read(0, header, 0, header.length);
      MemorySegment bytes = MemorySegment.ofArray(header);
      boolean blank = bytes.mismatch(MemorySegment.ofArray(new byte[header.length])) < 0;
      return blank || FileFormat.belongsTo(bytes, store);
    } catch (StoreIoException e) {
      return false;
    }
  }

  /// An id above all that ever were, and above all names that are taken.
  private static long nextSegment(Manifest manifest, Set<String> names) {
    long next = manifest.nextSegment();
    for (String name : names) {
      OptionalLong id = SegmentFormat.segmentIdOf(name);
      if (id.isPresent() && id.getAsLong() < Long.MAX_VALUE / 2) {
        next = Math.max(next, id.getAsLong() + 1);
      }
    }
    return next;
  }
}

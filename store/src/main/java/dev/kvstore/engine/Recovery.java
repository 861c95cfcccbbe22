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
import dev.kvstore.io.Directory;
import dev.kvstore.segment.FileFormat;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentBytes;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentSealer;
import dev.kvstore.segment.SegmentWriter;
import dev.kvstore.segment.StoreId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
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
  /// @param withoutHint sealed segments that should be given a hint file, for the next open
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
      List<Segment> withoutHint,
      RecoveryReport report) {}

  private final Directory directory;
  private final Options options;
  private final Environment environment;
  private final Findings findings;
  private final SegmentTable segments = new SegmentTable();
  private final Reserve reserve;
  private final DirectoryNames names;
  private final SegmentOpening opening;

  private HashIndex index;

  /// The index image, which is read while the segments are opened; null if there is none.
  private @Nullable Future<IndexImage.Opened> imageComing;

  /// Whether there is an image that does not verify.
  private boolean imageBroken;

  private Recovery(Directory directory, Options options, Environment environment, HashIndex index) {
    this.index = index;
    this.directory = directory;
    this.options = options;
    this.environment = environment;
    this.findings = new Findings(options.damagePolicy());
    this.reserve = new Reserve(directory);
    this.names = new DirectoryNames(directory, findings);
    this.opening = new SegmentOpening(directory, names, findings);
  }

  /// Opens the store in a directory that has been locked.
  ///
  /// @param index empty; closed if this fails
  /// @throws StoreIoException also if memory of a file cannot be read
  static Result run(
      Directory directory, Options options, Environment environment, HashIndex index) {
    Recovery recovery = new Recovery(directory, options, environment, index);
    try {
      return recovery.run();
    } catch (InternalError fault) {
      StoreIoException lost = recovery.opening.lost(fault);
      recovery.giveUp();
      throw lost;
    } catch (Throwable e) {
      recovery.giveUp();
      throw e;
    }
  }

  private void giveUp() {
    dropImage();
    opening.retireAll();
    index.close();
  }

  private void dropImage() {
    if (imageComing != null) {
      try {
        Workers.await(imageComing).close();
      } catch (RuntimeException | Error e) {
        // It was never there.
      }
    }
  }

  // ---- The whole

  private Result run() {
    long startNanos = System.nanoTime();
    Instant openedAt = environment.clock().instant();
    boolean created = !names.contains(Manifest.NAME);
    if (created) {
      Manifest.empty(StoreId.random(environment.random()), options.application())
          .replaceIn(directory);
    }
    Manifest manifest = Manifest.read(directory);
    findings.read(
        Manifest.NAME, manifest.bytes(), manifest.sealed().size() + (long) manifest.open().size());
    requireApplication(manifest);
    StoreId store = manifest.store();
    if (names.contains(IndexImage.NAME)) {
      Workers workers = environment.workers();
      imageComing =
          workers.begin(
              "store-load",
              () -> IndexImage.read(directory, store, workers, options.recoveryThreads()));
    }
    KeyHasher hasher = new KeyHasher(store);

    List<Segment> sealed = opening.sealed(manifest);
    List<Segment> open = opening.open(manifest);
    IndexImage.Opened image = openImage(sealed, open);
    boolean imaged = image != null && loadImage(image, sealed, open);
    if (!imaged) {
      place(sealed, open);
    }
    List<Segment> toLoad = sealed;
    long first = SegmentFormat.HEADER_BYTES;
    long lastSequence = manifest.sealedSequence();
    if (imaged && image != null) {
      toLoad = withoutImaged(sealed, image);
      lastSequence = Math.max(lastSequence, image.lastSequence());
      first = firstBehindImage(image, open);
    }
    TailScan tail = new TailScan(open, hasher, findings, lastSequence);
    Set<Segment> withoutHint = new LinkedHashSet<>();
    try (SealedLoad sealedLoad = new SealedLoad(directory, manifest.store(), names, findings)) {
      sealedLoad.open(
          toLoad, opening.doubtful(), hasher, environment.workers(), options.recoveryThreads());
      if (imaged && image != null) {
        replayBehindImage(sealedLoad, image, sealed, hasher);
      }
      load(sealedLoad, tail, first, hasher);
      withoutHint.addAll(sealedLoad.withoutHint());
    }
    for (Segment segment : sealed) {
      // Those that the image covers were not looked for.
      if (!names.contains(SegmentFormat.hintName(segment.id()))) {
        withoutHint.add(segment);
      }
    }

    names.requireCurrent(manifest, tail.lastSequence());
    boolean clean = isClean(tail, open);
    long nextSegment = names.nextSegment(manifest);
    Segment toContinue = clean && !open.isEmpty() ? open.getFirst() : null;
    Map<Segment, SegmentSealer.Summary> summaries = clean ? Map.of() : summaries(tail);
    // Damage is not repaired in place: what is written from now on could not be told from it later.
    boolean readOnly = options.readOnly() || !findings.damages().isEmpty();
    List<String> leftovers = List.of();
    if (!readOnly) {
      withoutHint.addAll(summaries.keySet());
      removeUseless(withoutHint); // before a manifest lists the segments that they do not fit
      if (!clean) {
        manifest = sealOpen(manifest, hasher, open, summaries);
      }
      leftovers = names.leftovers(manifest);
      remove(leftovers, manifest, clean);
    }
    Outcome outcome =
        !findings.damages().isEmpty()
            ? Outcome.DAMAGED
            : created ? Outcome.CREATED : clean ? Outcome.CLEAN : Outcome.RECOVERED;
    RecoveryReport report =
        new RecoveryReport(
            outcome,
            openedAt,
            LibraryVersion.NUMBER,
            FileFormat.VERSION,
            imaged
                ? IndexSource.IMAGE
                : sealed.isEmpty() && open.isEmpty() ? IndexSource.NOTHING : IndexSource.LOG,
            segments.all().size(),
            findings.segmentsFromHints(),
            findings.segmentsScanned(),
            findings.recordsRead(),
            findings.bytesRead(),
            findings.sources(),
            index.size(),
            tail.lastSequence(),
            tail.durableSequence(),
            findings.tailBytesCut(),
            findings.tailReason(),
            findings.dropped(),
            findings.filesIgnored(),
            leftovers,
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
        readOnly ? List.of() : List.copyOf(withoutHint),
        report);
  }

  /// Removes hint files that are of no use, such as one that a kill has left half-written, and an image that
  /// a power loss has left so: a close, or a kill, may come before new ones are written, and nothing bad
  /// shall be found then.
  private void removeUseless(Set<Segment> withoutHint) {
    if (imageBroken) {
      directory.remove(IndexImage.NAME);
    }
    for (Segment segment : withoutHint) {
      String hint = SegmentFormat.hintName(segment.id());
      if (names.contains(hint)) {
        directory.remove(hint);
      }
    }
  }

  private void requireApplication(Manifest manifest) {
    Options.Application wanted = options.application().orElse(null);
    if (wanted != null && !manifest.application().equals(options.application())) {
      throw new StoreStartupException(
          "the store in "
              + directory.path()
              + " belongs to "
              + manifest.application().map(Object::toString).orElse("no application")
              + ", not to "
              + wanted);
    }
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

  /// The image if it verifies and is one of these segments.
  private IndexImage.@Nullable Opened openImage(List<Segment> sealed, List<Segment> open) {
    if (imageComing == null) {
      return null;
    }
    IndexImage.Opened image;
    try {
      image = Workers.await(imageComing);
    } catch (StoreCorruptionException e) {
      imageBroken = true;
      findings.ignored(IndexImage.NAME, e.getMessage());
      return null;
    } catch (StoreVersionException e) {
      findings.ignored(IndexImage.NAME, e.getMessage());
      return null;
    } catch (InternalError e) {
      throw IndexImage.lost(e);
    }
    String stale = whyStale(image, sealed, open);
    if (stale != null) {
      findings.ignored(IndexImage.NAME, stale);
      image.close();
      return null;
    }
    return image;
  }

  private @Nullable String whyStale(
      IndexImage.Opened image, List<Segment> sealed, List<Segment> open) {
    if (!opening.doubtful().isEmpty()) {
      return "some segments are damaged";
    }
    Map<Long, Segment> byId = byId(sealed);
    Set<Long> imagedIds = new HashSet<>();
    for (ImagedSegment imaged : image.segments()) {
      imagedIds.add(imaged.id());
      Segment segment = byId.get(imaged.id());
      boolean isTail = imaged.id() == image.tailSegment();
      if (segment == null && isTail && !open.isEmpty() && open.getFirst().id() == imaged.id()) {
        segment = open.getFirst();
      }
      if (segment != null && isTail && segment.end() < imaged.bytes()) {
        findings.damage(
            new Damage(
                segment.name(),
                segment.end(),
                imaged.bytes() - segment.end(),
                "the file has "
                    + segment.end()
                    + " bytes, it was closed with "
                    + imaged.bytes()
                    + " as the index image tells",
                List.of()));
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

  private static Map<Long, Segment> byId(Collection<Segment> some) {
    Map<Long, Segment> byId = new HashMap<>();
    for (Segment segment : some) {
      byId.put(segment.id(), segment);
    }
    return byId;
  }

  private boolean loadImage(IndexImage.Opened image, List<Segment> sealed, List<Segment> open) {
    Set<Segment> rest = new LinkedHashSet<>(sealed);
    rest.addAll(open);
    Map<Long, Segment> byId = byId(rest);
    long chunksMost = SegmentTable.chunksWithin(rest);
    try (image) {
      for (ImagedSegment imaged : image.segments()) {
        Segment segment = byId.get(imaged.id());
        if (segment == null
            || !segments.addAt(segment, segment.end(), imaged.baseAddress(), chunksMost)) {
          throw new StoreCorruptionException(
              IndexImage.NAME, 64, "addresses overlap, or are far beyond what the segments need");
        }
        segment.addLiveBytes(imaged.liveBytes());
        rest.remove(segment);
      }
      image.load(index);
      for (Segment segment : rest) {
        segments.add(segment, segment.end());
      }
      findings.imageLoaded(IndexImage.NAME, image.bytes(), index.size());
      return true;
    } catch (InternalError e) {
      throw IndexImage.lost(e);
    } catch (StoreCorruptionException e) {
      imageBroken = true;
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
    for (ImagedSegment imaged : image.segments()) {
      imagedIds.add(imaged.id());
    }
    List<Segment> others = new ArrayList<>();
    for (Segment segment : sealed) {
      if (!imagedIds.contains(segment.id())) {
        others.add(segment);
      }
    }
    return others;
  }

  /// Where in the first open segment begins what the image does not have.
  private static long firstBehindImage(IndexImage.Opened image, List<Segment> open) {
    for (ImagedSegment imaged : image.segments()) {
      if (imaged.id() == image.tailSegment()
          && !open.isEmpty()
          && open.getFirst().id() == imaged.id()) {
        return imaged.bytes();
      }
    }
    return SegmentFormat.HEADER_BYTES;
  }

  /// Has replayed what was written to the image's tail after the image was made, if that segment has been
  /// sealed since.
  private static void replayBehindImage(
      SealedLoad sealedLoad, IndexImage.Opened image, List<Segment> sealed, KeyHasher hasher) {
    for (ImagedSegment imaged : image.segments()) {
      for (Segment segment : sealed) {
        if (imaged.id() == image.tailSegment() && segment.id() == imaged.id()) {
          sealedLoad.addScan(segment, imaged.bytes(), hasher);
        }
      }
    }
  }

  /// Puts into the index what is not in it yet.
  private void load(SealedLoad sealedLoad, TailScan tail, long first, KeyHasher hasher) {
    if (sealedLoad.isEmpty() && tail.isCovered(first)) {
      tail.takeCovered(first);
      return;
    }
    Future<Boolean> forced =
        environment.workers().begin("store-load", () -> forceOpen(tail.open()));
    try {
      loadAll(sealedLoad, tail, first, hasher);
    } catch (Throwable e) {
      try {
        Workers.await(forced);
      } catch (RuntimeException | Error again) {
        e.addSuppressed(again);
      }
      throw e;
    }
    Workers.await(forced);
  }

  private void loadAll(SealedLoad sealedLoad, TailScan tail, long first, KeyHasher hasher) {
    try (IndexLoad load = new IndexLoad(index, segments, findings)) {
      OrderedScan scan =
          new OrderedScan(segment -> SegmentBytes.ofFile(directory, segment), hasher, load);
      sealedLoad.addTo(scan, load);
      tail.addTo(scan, first);
      scan.run(environment.workers(), options.recoveryThreads());
      load.finish(environment.workers(), options.recoveryThreads());
    }
  }

  /// What a process that was killed has left in the page cache has to be on the disk before it is sealed.
  /// To have it written while it is read costs no time of its own.
  private boolean forceOpen(List<Segment> open) {
    if (options.readOnly()) {
      return false;
    }
    for (Segment segment : open) {
      SegmentWriter.forceAgain(directory, segment.name());
    }
    return true;
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

  /// What is going to be sealed, and what its records add up to. Read once more where an image has vouched
  /// for the beginning: a seal and a hint must not be made of anything that does not verify.
  private Map<Segment, SegmentSealer.Summary> summaries(TailScan tail) {
    Map<Segment, SegmentSealer.Summary> summaries = new LinkedHashMap<>();
    for (Segment segment : tail.kept()) {
      if (!SegmentSealer.hasRecords(segment)) {
        continue;
      }
      try {
        SegmentSealer.Summary summary = tail.summaryOf(segment);
        summaries.put(segment, summary == null ? SegmentSealer.Summary.of(segment) : summary);
      } catch (StoreCorruptionException e) {
        if (findings.damages().isEmpty()) {
          findings.damage(new Damage(e.file(), e.offset(), 0, e.problem(), List.of()));
        }
      }
    }
    return summaries;
  }

  private Manifest sealOpen(
      Manifest manifest,
      KeyHasher hasher,
      List<Segment> open,
      Map<Segment, SegmentSealer.Summary> summaries) {
    SegmentSealer sealer = new SegmentSealer(directory, manifest.store(), hasher);
    Manifest next = manifest;
    Set<Segment> dropped = new HashSet<>(open);
    Map<Segment, SealedSegment> sealed = new HashMap<>();
    for (Map.Entry<Segment, SegmentSealer.Summary> entry : summaries.entrySet()) {
      Segment segment = entry.getKey();
      SealedSegment summary = seal(sealer, segment, entry.getValue());
      next = next.withSealed(List.of(summary));
      sealed.put(segment, summary);
      dropped.remove(segment);
    }
    for (long id : manifest.open()) {
      next = next.withoutOpen(id);
    }
    install(next);
    sealed.forEach(Segment::markSealed);
    for (Segment segment : dropped) {
      segments.remove(segment);
      segment.retire();
    }
    return next;
  }

  private void install(Manifest manifest) {
    reserve.tapped(
        Reserve.Use.MANIFEST,
        () -> {
          manifest.replaceIn(directory);
          return true;
        });
  }

  /// Removes what does not belong to the store. Before segments go, the manifest that does not list them is
  /// written once more, unless it has just been: it may never have been forced, or have got its name and
  /// lost it again in a force that failed, and what the one before lists must be there then.
  private void remove(List<String> leftovers, Manifest manifest, boolean manifestWasFound) {
    boolean again = false;
    for (String name : leftovers) {
      again |= manifestWasFound && SegmentFormat.segmentIdOf(name).isPresent();
    }
    if (again) {
      installAgain(manifest);
    }
    for (String name : leftovers) {
      if (!again || !name.equals(Manifest.NEXT_NAME)) { // which has been replaced then
        directory.remove(name);
      }
    }
  }

  /// On a disk that is too full even for that, a force will do if none has failed before.
  private void installAgain(Manifest manifest) {
    try {
      install(manifest);
    } catch (StoreIoException e) {
      if (!e.isNoSpace()) {
        throw e;
      }
      directory.force();
    }
  }

  private SealedSegment seal(SegmentSealer sealer, Segment segment, SegmentSealer.Summary summary) {
    SegmentWriter writer =
        reserve.tapped(Reserve.Use.MANIFEST, () -> SegmentWriter.recover(directory, segment));
    try {
      return sealer.seal(writer, summary, environment.clock().millis());
    } finally {
      writer.abandon(); // closes the file if sealing did not come to its end
    }
  }
}

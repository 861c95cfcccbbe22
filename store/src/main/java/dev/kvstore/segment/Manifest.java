package dev.kvstore.segment;

import dev.kvstore.Options;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Which segments make up the store. The file `MANIFEST`, replaced as a whole: written under another
/// name, forced, renamed, the directory forced. What it does not list does not belong to the store.
///
/// ```
///  offset size field
///       0   32 header        see FileFormat, kind 'M'
///      32    8 generation    one more at each replacement
///      40    8 nextSegment   no segment with this id or a higher one was ever part of the store
///      48    8 sealedSequence  highest sequence that was ever in a sealed segment; the first record
///                          of the open segments has the next one
///      56    4 flags         bit 0: the application fields count; all others zero
///      60    4 appMagic      Options.application
///      64    4 appVersion
///      68    4 sealedCount
///      72    4 openCount
///      76    4 zero
///      80      sealed segments, 56 bytes each: id 8, bytes 8, records 8, tombstoneBytes 8,
///              minSequence 8, maxSequence 8, sealChecksum 4, zero 4
///            open segments, 8 bytes each: id, in the order in which they were, are and will be
///              appended to
///     end    4 checksum      CRC-32C of everything before
/// ```
///
/// @param store the id in every file of the store
/// @param generation see above
/// @param nextSegment see above
/// @param sealedSequence see above
/// @param application who owns the data, if the store was created so
/// @param sealed segments that are never written again
/// @param open segments that are not sealed yet; each exists, the later ones may be empty
public record Manifest(
    StoreId store,
    long generation,
    long nextSegment,
    long sealedSequence,
    Optional<Options.Application> application,
    List<SealedSegment> sealed,
    List<Long> open) {
  /// Name of the file.
  public static final String NAME = "MANIFEST";

  /// Name under which the next one is written.
  public static final String NEXT_NAME = "MANIFEST.tmp";

  private static final int GENERATION = 32;
  private static final int NEXT_SEGMENT = 40;
  private static final int SEALED_SEQUENCE = 48;
  private static final int FLAGS = 56;
  private static final int APP_MAGIC = 60;
  private static final int APP_VERSION = 64;
  private static final int SEALED_COUNT = 68;
  private static final int OPEN_COUNT = 72;
  private static final int SEGMENTS = 80;
  private static final int SEALED_BYTES = 56;
  private static final int CHECKSUM_BYTES = 4;
  private static final long FILE_BYTES_MAX = 1L << 30;

  public Manifest {
    sealed = List.copyOf(sealed);
    open = List.copyOf(open);
  }

  /// The manifest of a store without segments.
  public static Manifest empty(StoreId store, Optional<Options.Application> application) {
    return new Manifest(store, 0, 1, 0, application, List.of(), List.of());
  }

  // ---- Successors

  /// With a new segment to append to.
  public Manifest withOpened(long id) {
    List<Long> nextOpen = new ArrayList<>(open);
    nextOpen.add(id);
    return next(Math.max(nextSegment, id + 1), sealedSequence, sealed, nextOpen);
  }

  /// With some open segments sealed.
  public Manifest withSealed(List<SealedSegment> segments) {
    List<SealedSegment> nextSealed = new ArrayList<>(sealed);
    nextSealed.addAll(segments);
    List<Long> nextOpen = new ArrayList<>(open);
    long sequence = sealedSequence;
    for (SealedSegment segment : segments) {
      nextOpen.remove(segment.id());
      sequence = Math.max(sequence, segment.maxSequence());
    }
    return next(nextSegment, sequence, nextSealed, nextOpen);
  }

  /// With some sealed segments in the place of others.
  public Manifest withReplaced(Set<Long> removed, List<SealedSegment> added) {
    List<SealedSegment> nextSealed = new ArrayList<>(sealed);
    nextSealed.removeIf(segment -> removed.contains(segment.id()));
    nextSealed.addAll(added);
    long next = nextSegment;
    for (SealedSegment segment : added) {
      next = Math.max(next, segment.id() + 1);
    }
    return next(next, sealedSequence, nextSealed, open);
  }

  /// Without an open segment that holds nothing.
  public Manifest withoutOpen(long id) {
    return next(nextSegment, sealedSequence, sealed, open.stream().filter(o -> o != id).toList());
  }

  private Manifest next(
      long segment, long sequence, List<SealedSegment> nextSealed, List<Long> nextOpen) {
    return new Manifest(
        store, generation + 1, segment, sequence, application, nextSealed, nextOpen);
  }

  // ---- The file

  /// Puts this manifest in the place of the one in the directory; on return it is durable.
  public void replaceIn(Directory directory) {
    writeNextIn(directory);
    installNextIn(directory);
  }

  /// Writes this manifest beside the one in the directory, which still counts. If this fails, nothing
  /// has happened.
  public void writeNextIn(Directory directory) {
    if (directory.list().contains(NEXT_NAME)) {
      directory.remove(NEXT_NAME);
    }
    try (FileHandle file = directory.create(NEXT_NAME)) {
      file.write(0, encode());
      file.force();
    } catch (Throwable e) {
      try {
        directory.remove(NEXT_NAME);
      } catch (RuntimeException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  /// Puts what [#writeNextIn] wrote in place; on return it is durable. If this fails, either may count.
  public static void installNextIn(Directory directory) {
    directory.rename(NEXT_NAME, NAME);
    directory.force();
  }

  /// Reads the manifest of a directory.
  ///
  /// @throws StoreCorruptionException if it is damaged
  /// @throws dev.kvstore.StoreVersionException if it is of another version
  public static Manifest read(Directory directory) {
    try (FileHandle file = directory.open(NAME, Access.READ)) {
      long size = file.size();
      if (size > FILE_BYTES_MAX) {
        throw new StoreCorruptionException(NAME, 0, "a manifest is not " + size + " bytes long");
      }
      byte[] bytes = new byte[(int) size];
      file.read(0, bytes, 0, bytes.length);
      return decode(MemorySegment.ofArray(bytes));
    }
  }

  /// Bytes of its file.
  public int bytes() {
    return SEGMENTS + sealed.size() * SEALED_BYTES + open.size() * Long.BYTES + CHECKSUM_BYTES;
  }

  MemorySegment encode() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[bytes()]);
    FileFormat.write(bytes, FileFormat.Kind.MANIFEST, store);
    bytes.set(LittleEndian.LONG, GENERATION, generation);
    bytes.set(LittleEndian.LONG, NEXT_SEGMENT, nextSegment);
    bytes.set(LittleEndian.LONG, SEALED_SEQUENCE, sealedSequence);
    application.ifPresent(app -> {
      bytes.set(LittleEndian.INT, FLAGS, 1);
      bytes.set(LittleEndian.INT, APP_MAGIC, app.magic());
      bytes.set(LittleEndian.INT, APP_VERSION, app.version());
    });
    bytes.set(LittleEndian.INT, SEALED_COUNT, sealed.size());
    bytes.set(LittleEndian.INT, OPEN_COUNT, open.size());
    long at = SEGMENTS;
    for (SealedSegment segment : sealed) {
      bytes.set(LittleEndian.LONG, at, segment.id());
      bytes.set(LittleEndian.LONG, at + 8, segment.bytes());
      bytes.set(LittleEndian.LONG, at + 16, segment.records());
      bytes.set(LittleEndian.LONG, at + 24, segment.tombstoneBytes());
      bytes.set(LittleEndian.LONG, at + 32, segment.minSequence());
      bytes.set(LittleEndian.LONG, at + 40, segment.maxSequence());
      bytes.set(LittleEndian.INT, at + 48, segment.sealChecksum());
      at += SEALED_BYTES;
    }
    for (long id : open) {
      bytes.set(LittleEndian.LONG, at, id);
      at += Long.BYTES;
    }
    bytes.set(LittleEndian.INT, at, FileFormat.checksum(bytes, 0, at));
    return bytes;
  }

  static Manifest decode(MemorySegment bytes) {
    StoreId store = FileFormat.check(bytes, NAME, FileFormat.Kind.MANIFEST, null);
    long checksumAt = bytes.byteSize() - CHECKSUM_BYTES;
    if (checksumAt < SEGMENTS
        || bytes.get(LittleEndian.INT, checksumAt) != FileFormat.checksum(bytes, 0, checksumAt)) {
      throw new StoreCorruptionException(
          NAME, 0, "the manifest does not verify; salvage copies the records into a new store");
    }
    long sealedCount = bytes.get(LittleEndian.INT, SEALED_COUNT) & 0xFFFF_FFFFL;
    long openCount = bytes.get(LittleEndian.INT, OPEN_COUNT) & 0xFFFF_FFFFL;
    if (SEGMENTS + sealedCount * SEALED_BYTES + openCount * Long.BYTES != checksumAt) {
      throw new StoreCorruptionException(NAME, SEALED_COUNT, "counts and length do not agree");
    }
    List<SealedSegment> sealed = new ArrayList<>();
    long at = SEGMENTS;
    for (; sealed.size() < sealedCount; at += SEALED_BYTES) {
      sealed.add(
          new SealedSegment(
              bytes.get(LittleEndian.LONG, at),
              bytes.get(LittleEndian.LONG, at + 8),
              bytes.get(LittleEndian.LONG, at + 16),
              bytes.get(LittleEndian.LONG, at + 24),
              bytes.get(LittleEndian.LONG, at + 32),
              bytes.get(LittleEndian.LONG, at + 40),
              bytes.get(LittleEndian.INT, at + 48)));
    }
    List<Long> open = new ArrayList<>();
    for (; open.size() < openCount; at += Long.BYTES) {
      open.add(bytes.get(LittleEndian.LONG, at));
    }
    Manifest manifest =
        new Manifest(
            store,
            bytes.get(LittleEndian.LONG, GENERATION),
            bytes.get(LittleEndian.LONG, NEXT_SEGMENT),
            bytes.get(LittleEndian.LONG, SEALED_SEQUENCE),
            applicationIn(bytes),
            sealed,
            open);
    manifest.checkIds();
    return manifest;
  }

  private static Optional<Options.Application> applicationIn(MemorySegment bytes) {
    int magic = bytes.get(LittleEndian.INT, APP_MAGIC);
    int version = bytes.get(LittleEndian.INT, APP_VERSION);
    int flags = bytes.get(LittleEndian.INT, FLAGS);
    if (flags < 0 || flags > 1 || magic < 0 || version < 0) {
      throw new StoreCorruptionException(NAME, FLAGS, "unknown flags or application");
    }
    if (flags == 0) {
      return Optional.empty();
    }
    return Optional.of(new Options.Application(magic, version));
  }

  private void checkIds() {
    Set<Long> seen = new HashSet<>();
    for (SealedSegment segment : sealed) {
      requireSizes(segment);
      requireId(segment.id(), seen);
    }
    for (long id : open) {
      requireId(id, seen);
    }
  }

  private static void requireSizes(SealedSegment segment) {
    long bytes = segment.bytes();
    long least = SegmentFormat.HEADER_BYTES + RecordFormat.SEAL_BYTES;
    boolean possible =
        bytes >= least
            && bytes % 8 == 0
            && bytes <= 1L << 35 // what a hint can address
            && segment.records() >= 0
            && segment.records() <= bytes / RecordFormat.HEADER_BYTES
            && segment.tombstoneBytes() >= 0
            && segment.tombstoneBytes() <= bytes;
    if (!possible) {
      throw new StoreCorruptionException(
          NAME, SEGMENTS, "segment " + segment.id() + " cannot have " + bytes + " bytes so filled");
    }
  }

  private void requireId(long id, Set<Long> seen) {
    if (id < 1 || id >= nextSegment || !seen.add(id)) {
      throw new StoreCorruptionException(NAME, SEGMENTS, "segment id " + id + " cannot be");
    }
  }
}

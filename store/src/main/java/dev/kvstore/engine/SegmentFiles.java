package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreStartupException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.FileFormat;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.Mapping;
import dev.kvstore.segment.ReadableCopy;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.StoreId;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The segments of a store as files, for looking into them: needs no manifest, believes no header,
/// changes nothing.
///
/// - Lifecycle: holds the store's lock for reading until it is closed.
/// - Failure: a file that cannot be read is damage, and the others are there; who wants all or nothing
///   asks [#requireReadable]. Memory of a segment may turn out to be unreadable later, with an
///   [InternalError]; see [#readAround].
final class SegmentFiles implements AutoCloseable {
  private static final int FAULTS_IN_VAIN_MAX = 3;

  private final Directory directory;
  private @Nullable Manifest manifest;
  private final StoreId store;
  private final List<Segment> segments = new ArrayList<>();

  /// Segments that the manifest does not list, if they were asked for.
  private final List<Segment> unlisted = new ArrayList<>();

  private final Map<Segment, String> files = new HashMap<>();
  private final List<Damage> damages = new ArrayList<>();
  private final Set<Segment> copied = new HashSet<>();
  private int faultsInVain;
  private @Nullable StoreIoException unreadable;

  private SegmentFiles(Directory directory, boolean byHeader) {
    this.directory = directory;
    this.manifest = readManifest();
    this.store = map(byHeader);
  }

  /// Opens the segments of the store in a directory that nobody has locked; it is closed with this, and
  /// when this fails.
  ///
  /// @throws StoreStartupException if there is neither a manifest nor a segment
  static SegmentFiles open(Directory directory) {
    return open(directory, false);
  }

  /// As [#open(Directory)]; but a segment whose sound header names another number than its file does goes by
  /// the number in the header, so that the records of a file that was renamed still verify.
  static SegmentFiles openByHeader(Directory directory) {
    return open(directory, true);
  }

  private static SegmentFiles open(Directory directory, boolean byHeader) {
    try {
      directory.lock(Access.READ);
      return new SegmentFiles(directory, byHeader);
    } catch (Throwable e) {
      directory.close();
      throw e;
    }
  }

  private @Nullable Manifest readManifest() {
    if (!directory.list().contains(Manifest.NAME)) {
      damages.add(
          new Damage(
              Manifest.NAME,
              0,
              0,
              "the manifest is missing; keys that were deleted long ago may come back",
              List.of()));
      return null;
    }
    try {
      return Manifest.read(directory);
    } catch (StoreCorruptionException e) {
      damages.add(new Damage(e.file(), e.offset(), 0, e.problem(), List.of()));
      return null;
    } catch (StoreIoException e) {
      unreadable(Manifest.NAME, e);
      return null;
    }
  }

  private void unreadable(String file, StoreIoException e) {
    damages.add(new Damage(file, 0, 0, "it cannot be read: " + e.getMessage(), List.of()));
    if (unreadable == null) {
      unreadable = e;
    }
  }

  /// A file that may be a segment.
  ///
  /// @param header a copy; zeros if it cannot be read
  private record Candidate(long id, Mapping mapping, MemorySegment header) {}

  /// Maps all segments and returns the store they belong to.
  private StoreId map(boolean byHeader) {
    Set<Long> listed = new HashSet<>();
    if (manifest != null) {
      manifest.sealed().forEach(segment -> listed.add(segment.id()));
      listed.addAll(manifest.open());
    }
    List<Candidate> candidates = new ArrayList<>();
    StoreId belongsTo;
    try {
      for (long id : ids(byHeader, listed)) {
        Candidate candidate = candidate(id, listed.contains(id));
        if (candidate != null) {
          candidates.add(candidate);
        }
      }
      belongsTo = manifest != null ? manifest.store() : mostCommonStore(candidates);
    } catch (Throwable e) {
      candidates.forEach(candidate -> candidate.mapping.retire());
      throw e;
    }
    Set<Long> taken = new HashSet<>();
    for (Candidate candidate : candidates) {
      Mapping mapping = candidate.mapping;
      long number =
          byHeader
              ? SegmentFormat.idInHeader(candidate.header, belongsTo).orElse(candidate.id)
              : candidate.id;
      if (!taken.add(number)) {
        mapping.retire();
        continue;
      }
      Segment segment = new Segment(belongsTo, number, mapping, mapping.memory().byteSize());
      files.put(segment, SegmentFormat.segmentName(candidate.id));
      if (manifest != null && !listed.contains(number)) {
        unlisted.add(segment);
        continue;
      }
      segments.add(segment);
      if (manifest != null) {
        checkHeader(candidate, belongsTo, number);
      }
    }
    listed.removeAll(taken);
    for (long id : listed) {
      String name = SegmentFormat.segmentName(id);
      damages.add(new Damage(name, 0, 0, "the segment is missing", List.of()));
    }
    return belongsTo;
  }

  /// What a manifest lists has got its header, and kept it, or is damaged.
  private void checkHeader(Candidate candidate, StoreId belongsTo, long number) {
    try {
      SegmentFormat.checkHeader(candidate.header, belongsTo, number);
    } catch (StoreCorruptionException e) {
      long bytes = SegmentFormat.HEADER_BYTES - e.offset();
      String file = SegmentFormat.segmentName(candidate.id);
      damages.add(new Damage(file, e.offset(), bytes, e.problem(), List.of()));
    } catch (StoreVersionException e) {
      damages.add(
          new Damage(SegmentFormat.segmentName(candidate.id), 0, 0, e.getMessage(), List.of()));
    }
  }

  /// By the names of files, in their order.
  private List<Long> ids(boolean byHeader, Set<Long> listed) {
    List<Long> ids = new ArrayList<>();
    for (String name : directory.list()) {
      OptionalLong id = SegmentFormat.segmentIdOf(name);
      if (id.isPresent() && (byHeader || manifest == null || listed.contains(id.getAsLong()))) {
        ids.add(id.getAsLong());
      }
    }
    if (manifest == null && ids.isEmpty()) {
      requireReadable();
      throw new StoreStartupException("there is no store in " + directory.path());
    }
    ids.sort(null);
    return ids;
  }

  /// Null if the file is too short or cannot be opened, which is damage if the store may miss it.
  private @Nullable Candidate candidate(long id, boolean isListed) {
    String name = SegmentFormat.segmentName(id);
    try (FileHandle file = directory.open(name, Access.READ)) {
      long bytes = file.size() & -8L;
      if (bytes < SegmentFormat.HEADER_BYTES) {
        if (isListed) {
          String problem = "the file has " + file.size() + " bytes, too few";
          damages.add(new Damage(name, 0, file.size(), problem, List.of()));
        }
        return null;
      }
      byte[] header = new byte[SegmentFormat.HEADER_BYTES];
      try {
        file.read(0, header, 0, header.length);
      } catch (StoreIoException e) {
        unreadable(name, e);
        Arrays.fill(header, (byte) 0);
      }
      return new Candidate(id, Mapping.of(file, bytes, Access.READ), MemorySegment.ofArray(header));
    } catch (StoreIoException e) {
      if (isListed || manifest == null) {
        unreadable(name, e);
      }
      return null;
    }
  }

  /// The store that most segments say they belong to.
  private StoreId mostCommonStore(List<Candidate> candidates) {
    Map<StoreId, Integer> votes = new HashMap<>();
    for (Candidate candidate : candidates) {
      String name = SegmentFormat.segmentName(candidate.id);
      try {
        votes.merge(
            FileFormat.check(candidate.header, name, FileFormat.Kind.SEGMENT, null),
            1,
            Integer::sum);
      } catch (StoreException e) {
        // This one has no say.
      }
    }
    if (votes.isEmpty()) {
      requireReadable();
    }
    return votes.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElseThrow(() ->
            new StoreCorruptionException(
                Manifest.NAME, 0, "neither the manifest nor any segment header verifies"));
  }

  /// For who looks at single records, and has no report to tell of damage in.
  ///
  /// @throws StoreIoException if a file could not be read
  void requireReadable() {
    if (unreadable != null) {
      throw unreadable;
    }
  }

  /// To be called when memory of a segment could not be read. Where a file cannot be read as a whole, a copy
  /// of what can takes the place of its mapping; the rest is zero, and damage. What was looked at until now
  /// is to be looked at once more.
  ///
  /// @throws StoreIoException if all can be read, time and again
  void readAround(InternalError fault) {
    boolean found = false;
    for (Segment segment : Stream.concat(segments.stream(), unlisted.stream()).toList()) {
      long bytes = segment.memory().byteSize();
      segment.publishEnd(bytes);
      ReadableCopy copy =
          copied.contains(segment)
              ? null
              : ReadableCopy.ofUnreadable(directory, fileOf(segment), bytes);
      if (copy == null) {
        continue;
      }
      found = true;
      copied.add(segment);
      segment.remap(copy.memory());
      for (ReadableCopy.Gap gap : copy.gaps()) {
        String problem = "it cannot be read: " + gap.why();
        damages.add(
            new Damage(fileOf(segment), gap.from(), gap.to() - gap.from(), problem, List.of()));
      }
    }
    if (!found && ++faultsInVain == FAULTS_IN_VAIN_MAX) {
      throw new StoreIoException(
          "memory of a file in " + directory.path() + " cannot be read, although the files can",
          fault);
    }
  }

  /// Puts a manifest aside that is older than the log, as one that is missing: there is a segment that it
  /// does not know of, with younger writes. Only if segments were opened by header.
  ///
  /// @param lastSequence of the log as the manifest has it
  /// @return whether it did; then what was looked at until now is to be looked at once more
  boolean putAsideOlderManifest(long lastSequence) {
    if (manifest == null) {
      return false;
    }
    for (Segment segment : unlisted) {
      if (segment.id() >= manifest.nextSegment()
          && FileFormat.belongsTo(segment.memory(), store)
          && DirectoryNames.hasYounger(segment, lastSequence)) {
        damages.add(
            new Damage(
                Manifest.NAME,
                0,
                0,
                DirectoryNames.whyOlder(fileOf(segment))
                    + "; keys that were deleted long ago may come back",
                List.of()));
        manifest = null;
        segments.addAll(unlisted);
        segments.sort(Comparator.comparingLong(Segment::id));
        unlisted.clear();
        for (Segment each : segments) {
          each.publishEnd(each.memory().byteSize());
        }
        return true;
      }
    }
    return false;
  }

  Directory directory() {
    return directory;
  }

  /// Null if it is missing, damaged, or cannot be read.
  @Nullable Manifest manifest() {
    return manifest;
  }

  /// The store that the segments belong to.
  StoreId store() {
    return store;
  }

  /// By id; each with its end at the end of the file.
  List<Segment> segments() {
    return segments;
  }

  /// The name of the file that a segment is in.
  String fileOf(Segment segment) {
    return files.getOrDefault(segment, segment.name());
  }

  /// Open segments that end before the place to which they were written when the store was closed, as the
  /// index image tells; and the image, if it cannot be read.
  ///
  /// @param open each with its end where the log ends
  List<Damage> cutShort(List<Segment> open) {
    List<Damage> cut = new ArrayList<>();
    Map<Long, Long> closedWith = Map.of();
    try {
      closedWith = closedWith();
    } catch (StoreIoException e) {
      cut.add(
          new Damage(
              IndexImage.NAME,
              0,
              0,
              "it cannot be read, nor whether the log ends too early: " + e.getMessage(),
              List.of()));
    }
    for (Segment segment : open) {
      long wanted = closedWith.getOrDefault(segment.id(), 0L);
      if (segment.end() < wanted) {
        cut.add(
            new Damage(
                segment.name(),
                segment.end(),
                wanted - segment.end(),
                "the log ends here, it was closed with " + wanted + " bytes",
                List.of()));
      }
    }
    return cut;
  }

  /// How far the index image says that its tail was written; empty without a sound image.
  private Map<Long, Long> closedWith() {
    if (!directory.list().contains(IndexImage.NAME)) {
      return Map.of();
    }
    try {
      Map<Long, Long> bytes = new HashMap<>();
      IndexImage.readHead(directory, store)
          .segments()
          .forEach(segment -> bytes.put(segment.id(), segment.bytes()));
      return bytes;
    } catch (StoreCorruptionException | StoreVersionException e) {
      return Map.of(); // told by who verifies the image
    }
  }

  /// What is wrong with the manifest, and which files are missing or cannot be read.
  List<Damage> damages() {
    return damages;
  }

  @Override
  public void close() {
    segments.forEach(Segment::retire);
    unlisted.forEach(Segment::retire);
    directory.close();
  }
}

package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreException;
import dev.kvstore.StoreStartupException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.FileFormat;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.Mapping;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.StoreId;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The segments of a store as files, for looking into them: needs no manifest, believes no header,
/// changes nothing.
///
/// Holds the store's lock for reading until it is closed.
final class SegmentFiles implements AutoCloseable {
  private final Directory directory;
  private final @Nullable Manifest manifest;
  private final StoreId store;
  private final List<Segment> segments = new ArrayList<>();
  private final Map<Segment, String> files = new HashMap<>();
  private final List<Damage> damages = new ArrayList<>();

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
    }
  }

  /// Maps all segments and returns the store they belong to.
  private StoreId map(boolean byHeader) {
    Set<Long> listed = new HashSet<>();
    if (manifest != null) {
      manifest.sealed().forEach(segment -> listed.add(segment.id()));
      listed.addAll(manifest.open());
    }
    List<Long> ids = new ArrayList<>();
    for (String name : directory.list()) {
      OptionalLong id = SegmentFormat.segmentIdOf(name);
      if (id.isPresent() && (byHeader || manifest == null || listed.contains(id.getAsLong()))) {
        ids.add(id.getAsLong());
      }
    }
    if (manifest == null && ids.isEmpty()) {
      throw new StoreStartupException("there is no store in " + directory.path());
    }
    ids.sort(null);
    Map<Long, Mapping> mappings = new HashMap<>();
    StoreId belongsTo;
    try {
      for (long id : ids) {
        try (FileHandle file = directory.open(SegmentFormat.segmentName(id), Access.READ)) {
          long bytes = file.size() & -8L;
          if (bytes >= SegmentFormat.HEADER_BYTES) {
            mappings.put(id, Mapping.of(file, bytes, Access.READ));
          }
        }
      }
      belongsTo = manifest != null ? manifest.store() : mostCommonStore(mappings);
    } catch (Throwable e) {
      mappings.values().forEach(Mapping::retire);
      throw e;
    }
    Set<Long> taken = new HashSet<>();
    for (long id : ids) {
      Mapping mapping = mappings.get(id);
      if (mapping == null) {
        continue;
      }
      long number =
          byHeader ? SegmentFormat.idInHeader(mapping.memory(), belongsTo).orElse(id) : id;
      boolean wanted = manifest == null || listed.contains(number);
      if (wanted && taken.add(number)) {
        Segment segment = new Segment(belongsTo, number, mapping, mapping.memory().byteSize());
        segments.add(segment);
        files.put(segment, SegmentFormat.segmentName(id));
      } else {
        mapping.retire();
      }
    }
    return belongsTo;
  }

  /// The store that most segments say they belong to.
  private StoreId mostCommonStore(Map<Long, Mapping> mappings) {
    Map<StoreId, Integer> votes = new HashMap<>();
    mappings.forEach((id, mapping) -> {
      MemorySegment file = mapping.memory();
      try {
        StoreId store =
            FileFormat.check(file, SegmentFormat.segmentName(id), FileFormat.Kind.SEGMENT, null);
        votes.merge(store, 1, Integer::sum);
      } catch (StoreException e) {
        // This one has no say.
      }
    });
    return votes.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElseThrow(() ->
            new StoreCorruptionException(
                Manifest.NAME, 0, "neither the manifest nor any segment header verifies"));
  }

  Directory directory() {
    return directory;
  }

  /// Null if it is missing or damaged.
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
  /// index image tells.
  ///
  /// @param open each with its end where the log ends
  List<Damage> cutShort(List<Segment> open) {
    Map<Long, Long> closedWith = closedWith();
    List<Damage> cut = new ArrayList<>();
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

  /// What is wrong with the manifest.
  List<Damage> damages() {
    return damages;
  }

  @Override
  public void close() {
    segments.forEach(Segment::retire);
    directory.close();
  }
}

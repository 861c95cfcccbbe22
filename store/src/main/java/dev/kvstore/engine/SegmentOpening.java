package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.Mapping;
import dev.kvstore.segment.ReadableCopy;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import dev.kvstore.segment.StoreId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Maps the segments that the manifest lists, and checks what can be checked without reading their
/// records: that they are there, their length, header and seal.
final class SegmentOpening {
  private final Directory directory;
  private final DirectoryNames names;
  private final Findings findings;

  /// Every segment that was mapped, for the case that the open fails.
  private final List<Segment> opened = new ArrayList<>();

  /// Sealed segments whose length or seal is wrong: not to be loaded from a hint.
  private final Set<Segment> doubtful = new HashSet<>();

  SegmentOpening(Directory directory, DirectoryNames names, Findings findings) {
    this.directory = directory;
    this.names = names;
    this.findings = findings;
  }

  Set<Segment> doubtful() {
    return doubtful;
  }

  /// Unmaps everything.
  void retireAll() {
    opened.forEach(Segment::retire);
  }

  /// What a look at memory that cannot be read turns into. Names the file, if one cannot be read.
  StoreIoException lost(InternalError fault) {
    for (Segment segment : opened) {
      try {
        ReadableCopy.requireReadable(directory, segment.name(), segment.memory().byteSize());
      } catch (StoreIoException e) {
        e.addSuppressed(fault);
        return e;
      }
    }
    return new StoreIoException(
        "memory of a file in " + directory.path() + " could not be read; verify the store", fault);
  }

  /// The sealed segments, in the order of the manifest.
  List<Segment> sealed(Manifest manifest) {
    List<Segment> sealed = new ArrayList<>();
    for (SealedSegment listed : manifest.sealed()) {
      String name = SegmentFormat.segmentName(listed.id());
      Segment segment = openSegment(manifest.store(), listed.id(), listed.bytes());
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

  /// The open segments, in the order of the manifest; each ends with its file.
  List<Segment> open(Manifest manifest) {
    List<Segment> open = new ArrayList<>();
    for (long id : manifest.open()) {
      Segment segment = openSegment(manifest.store(), id, Long.MAX_VALUE);
      if (segment != null) {
        open.add(segment);
      }
    }
    return open;
  }

  /// Maps a segment; its end is the end of its file, or `bytesMax`. Null if it is missing or too short
  /// to be one.
  private @Nullable Segment openSegment(StoreId store, long id, long bytesMax) {
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
      damage(e.file(), e.offset(), SegmentFormat.HEADER_BYTES - e.offset(), e.problem());
    } catch (StoreCorruptionException refused) {
      mapping.retire();
      throw refused;
    }
  }

  private void damage(String file, long offset, long bytes, String problem) {
    findings.damage(new Damage(file, offset, bytes, problem, List.of()));
  }
}

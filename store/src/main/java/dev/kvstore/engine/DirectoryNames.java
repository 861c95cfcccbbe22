package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.Options;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreStartupException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.FileFormat;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.Mapping;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import dev.kvstore.segment.StoreId;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Which names in a directory are the store's, which are left over from work that did not come to its
/// end, and which are somebody else's and are never touched.
final class DirectoryNames {
  private final Directory directory;
  private final Findings findings;
  private final Set<String> names;

  DirectoryNames(Directory directory, Findings findings) {
    this.directory = directory;
    this.findings = findings;
    this.names = new HashSet<>(directory.list());
  }

  boolean contains(String name) {
    return names.contains(name);
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
        || SegmentFormat.hintIdOf(name).isPresent()
        || SegmentFormat.isNextHintName(name);
  }

  /// What may be left by a creation that did not come to its end.
  private static boolean isScaffolding(String name) {
    return name.equals("LOCK")
        || name.equals(Manifest.NEXT_NAME)
        || name.equals(IndexImage.NEXT_NAME)
        || name.equals(RecoveryReceipt.NAME)
        || name.equals(Reserve.NAME)
        || name.equals(RecoveryReceipt.NEXT_NAME)
        || name.equals(RecoveryHistory.NAME)
        || name.equals(RecoveryHistory.NEXT_NAME);
  }

  /// Segments that the manifest does not know are leftovers, unless they show that it is an earlier one
  /// that was put back. A leftover with an id that the manifest never gave out is a segment without
  /// records or the output of a compaction, and neither has a record younger than the log.
  ///
  /// @throws StoreIoException if one cannot be read: what is in it decides whether it may be removed
  void requireCurrent(Manifest manifest, long lastSequence) {
    for (String name : names) {
      OptionalLong id = SegmentFormat.segmentIdOf(name);
      if (id.isPresent()
          && id.getAsLong() >= manifest.nextSegment()
          && directory.isFile(name)
          && hasYounger(manifest.store(), id.getAsLong(), lastSequence)) {
        findings.damage(new Damage(Manifest.NAME, 0, 0, whyOlder(name), List.of()));
      }
    }
  }

  static String whyOlder(String segment) {
    return "the manifest is older than "
        + segment
        + ", which holds writes that it does not know of";
  }

  private boolean hasYounger(StoreId store, long id, long lastSequence) {
    try (FileHandle file = directory.open(SegmentFormat.segmentName(id), Access.READ)) {
      long bytes = file.size() & -8L;
      if (bytes < SegmentFormat.HEADER_BYTES) {
        return false;
      }
      Mapping mapping = Mapping.of(file, bytes, Access.READ);
      Segment segment = new Segment(store, id, mapping, bytes);
      try {
        return hasYounger(segment, lastSequence);
      } catch (InternalError e) {
        throw segment.lost(e);
      } finally {
        mapping.retire();
      }
    }
  }

  /// Whether a record is younger than the log. What does not verify proves nothing: a power loss may leave
  /// anything in a file that had just been made.
  static boolean hasYounger(Segment segment, long lastSequence) {
    SegmentScanner scanner = new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.end());
    do {
      while (scanner.next()) {
        if (scanner.sequence() > lastSequence) {
          return true;
        }
      }
    } while (scanner.problem() != null && scanner.resync());
    return false;
  }

  /// Files of ours that do not belong to the store. A file that only has a name like ours is none.
  List<String> leftovers(Manifest manifest) {
    List<String> leftovers = new ArrayList<>();
    Set<String> listed = new HashSet<>();
    for (SealedSegment segment : manifest.sealed()) {
      listed.add(SegmentFormat.segmentName(segment.id()));
      listed.add(SegmentFormat.hintName(segment.id()));
    }
    for (long id : manifest.open()) {
      listed.add(SegmentFormat.segmentName(id));
    }
    for (String name : directory.list()) {
      boolean unfinished =
          name.equals(Manifest.NEXT_NAME)
              || name.equals(IndexImage.NEXT_NAME)
              || name.equals(RecoveryReceipt.NEXT_NAME)
              || name.equals(RecoveryHistory.NEXT_NAME)
              || SegmentFormat.isNextHintName(name);
      boolean unlisted =
          !listed.contains(name)
              && (SegmentFormat.segmentIdOf(name).isPresent()
                  || SegmentFormat.hintIdOf(name).isPresent());
      String whyLeft = unlisted ? whyLeft(name, manifest.store()) : null;
      if (unfinished || (unlisted && whyLeft == null)) {
        leftovers.add(name);
      } else if (whyLeft != null) {
        findings.ignored(name, whyLeft + "; left alone");
      }
    }
    return leftovers;
  }

  /// Why a file with a name like ours is to be left alone; null if it carries the id of this store, or
  /// never got its header.
  private @Nullable String whyLeft(String name, StoreId store) {
    try {
      if (!directory.isFile(name)) {
        return "it is a link, or no regular file";
      }
      return wasMadeHere(name, store) ? null : "not made by this store";
    } catch (StoreIoException e) {
      return e.getMessage();
    }
  }

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
    }
  }

  /// An id above all that ever were, and above all names that are taken.
  long nextSegment(Manifest manifest) {
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

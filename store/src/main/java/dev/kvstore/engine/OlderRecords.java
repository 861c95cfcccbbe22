package dev.kvstore.engine;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.segment.HintEntries;
import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Tells whether any segment that stays may hold a record of a key that is older than a tombstone of
/// it, dead or not. Hint files, which list all records by hash, answer that; an answer that cannot be
/// had is yes.
///
/// Asked in the order of hashes, so that it reads on in each hint from where it is, and skips what is
/// far.
///
/// One thread at a time.
final class OlderRecords implements AutoCloseable {
  private final List<HintFile> hints = new ArrayList<>(); // owned
  private long[] cursors = new long[0];

  // The answer for the hash that was asked last, since a key that is deleted again and again asks
  // again and again.
  private long lowest = Long.MAX_VALUE;
  private long lowestOf;

  /// Sequences from which on the answer is yes, because some hint could not be read.
  private long unansweredFrom = Long.MAX_VALUE;

  /// Looks into all segments but the victims, as far as a tombstone of a victim can hide something
  /// there.
  static OlderRecords than(List<Segment> victims, Log log, List<Segment> all) {
    long highest = 0;
    for (Segment victim : victims) {
      SealedSegment sealed = victim.sealed();
      if (sealed != null && sealed.tombstoneBytes() > 0) {
        highest = Math.max(highest, sealed.maxSequence());
      }
    }
    OlderRecords older = new OlderRecords();
    try {
      for (Segment other : all) {
        SealedSegment sealed = other.sealed();
        // Segments that are not sealed are younger than every tombstone of a sealed one.
        if (sealed != null && sealed.minSequence() < highest && !victims.contains(other)) {
          older.open(log, sealed);
        }
      }
    } catch (Throwable e) {
      older.close();
      throw e;
    }
    older.cursors = new long[older.hints.size()];
    return older;
  }

  /// Looks nowhere: the answer is always yes.
  static OlderRecords unknown() {
    OlderRecords older = new OlderRecords();
    older.unansweredFrom = 0;
    return older;
  }

  private void open(Log log, SealedSegment sealed) {
    try {
      hints.add(HintFile.open(log.directory(), log.store(), sealed));
    } catch (StoreCorruptionException | StoreVersionException | StoreIoException e) {
      unansweredFrom = Math.min(unansweredFrom, sealed.minSequence());
    }
  }

  /// Begins again with the lowest hash.
  void rewind() {
    Arrays.fill(cursors, 0);
    lowest = Long.MAX_VALUE;
    lowestOf = 0;
  }

  /// Whether there may be a record of this hash, which is not lower than the one asked before, with a
  /// lower sequence.
  boolean mayHold(long hash, long sequence) {
    if (sequence > unansweredFrom) {
      return true;
    }
    if (hash != lowestOf || lowest == Long.MAX_VALUE) {
      lowest = lowestSequenceOf(hash);
      lowestOf = hash;
    }
    return lowest < sequence;
  }

  private long lowestSequenceOf(long hash) {
    long found = Long.MAX_VALUE;
    for (int i = 0; i < cursors.length; i++) {
      HintEntries hint = hints.get(i).entries();
      cursors[i] = hint.lowerBound(hash, cursors[i]);
      for (long entry = cursors[i]; entry < hint.count() && hint.hash(entry) == hash; entry++) {
        found = Math.min(found, hint.sequence(entry));
      }
    }
    return found;
  }

  @Override
  public void close() {
    hints.forEach(HintFile::close);
  }
}

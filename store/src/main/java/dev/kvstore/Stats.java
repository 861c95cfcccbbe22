package dev.kvstore;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// What a store is, holds and does, at about one moment. Byte counts are exact, counters are since
/// the open.
///
/// @param keys keys in the store; in one larger than memory too low by those whose record lost its entry to
///     another key unseen, until that is found out: [KvStore#size] finds out
/// @param diskBytes bytes of the segment files
/// @param liveBytes bytes of log that hold the newest record of a key
/// @param garbageBytes bytes of log that compaction could free: replaced and deleted records, and
///     tombstones; what was replaced unseen counts as live until it has been seen
/// @param indexBytes bytes of memory that the index takes, outside the Java heap
/// @param lastSequence sequence number of the last write
/// @param durableSequence every write up to this one survives power loss
/// @param gets lookups
/// @param puts keys set
/// @param deletes keys removed
/// @param syncs forces of the log
/// @param syncsFailed forces of the log that failed; 0, or 1 and the store takes no more writes. It may
///     take none for another reason, see `failure`
/// @param corruptReads reads that met a record that did not verify
/// @param compactions compactions of a set of segments that were finished
/// @param compactionBytesWritten bytes copied by compaction
/// @param compactionState what compaction does, or why it does nothing, in words
/// @param nextVictim id of the segment that would be compacted next; empty if none has garbage
/// @param scrub what the search for damage in the background has done
/// @param failure why the store takes no more writes; empty if it does
/// @param segments every segment, oldest first
public record Stats(
    long keys,
    long diskBytes,
    long liveBytes,
    long garbageBytes,
    long indexBytes,
    long lastSequence,
    long durableSequence,
    long gets,
    long puts,
    long deletes,
    long syncs,
    long syncsFailed,
    long corruptReads,
    long compactions,
    long compactionBytesWritten,
    String compactionState,
    OptionalLong nextVictim,
    Scrub scrub,
    String failure,
    List<Segment> segments) {

  /// One segment.
  ///
  /// @param id its number; the file is named after it
  /// @param state whether it is still written to
  /// @param bytes bytes of log in it
  /// @param garbageBytes how many of them compaction could free
  /// @param liveBytes how many of them hold the newest record of a key
  /// @param records records it was sealed with; empty while it is not sealed
  public record Segment(
      long id, State state, long bytes, long garbageBytes, long liveBytes, OptionalLong records) {}

  /// What the search for damage in the background has done since the open; see [ScrubPolicy].
  ///
  /// @param running whether it is at work, or waits for the next pass
  /// @param passes passes that came to their end
  /// @param passBytes bytes that the last pass, or the one under way, has read
  /// @param passBytesTotal bytes that it reads in all
  /// @param bytesRead bytes read in all passes
  /// @param damages stretches that did not verify; one that is found again in the next pass counts again
  /// @param lastDamage the last of them
  public record Scrub(
      boolean running,
      long passes,
      long passBytes,
      long passBytesTotal,
      long bytesRead,
      long damages,
      Optional<Damage> lastDamage) {
    /// Of a store that does not scrub.
    public static final Scrub NONE = new Scrub(false, 0, 0, 0, 0, 0, Optional.empty());
  }

  /// The life of a segment.
  public enum State {
    /// New records go here.
    ACTIVE,
    /// Full, being forced and given its seal and hint.
    SEALING,
    /// Never written again.
    SEALED
  }

  /// Bytes of index memory for each key; 0 without keys.
  public double indexBytesPerKey() {
    return keys == 0 ? 0 : (double) indexBytes / keys;
  }
}

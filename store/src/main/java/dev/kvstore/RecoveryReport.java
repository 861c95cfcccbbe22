package dev.kvstore;

import java.time.Duration;
import java.time.Instant;
import java.util.List;

/// The receipt of an `open`: what was read, what was found, what was done about it. Also left in the
/// directory as `RECOVERY.json`, with the same names; times in milliseconds, keys in hexadecimal. Those
/// of opens that had something to tell are kept in `RECOVERY.jsonl`, see
/// [StoreInspector#recoveryHistory].
///
/// @param outcome how it went in one word
/// @param openedAt when the open began, by the clock of the machine
/// @param version version of this library
/// @param formatVersion format version of the files
/// @param indexSource where the index came from
/// @param segments segments of the store
/// @param segmentsFromHints segments whose keys were loaded from their hint file
/// @param segmentsScanned segments that were read record by record
/// @param recordsRead records read from segments, hints not counted
/// @param bytesRead bytes of segments, hints and index image that were read
/// @param sources what was read from where to where; of more than a thousand stretches the first thousand
/// @param keys keys in the store
/// @param lastSequence sequence number of the last write that is in the store
/// @param durableSequence highest sequence number that the log itself proves was durable
/// @param tailBytesCut bytes behind the last whole write that were dropped; a write under way when
///     the process ended, never an acknowledged one (after power loss: under [Durability#ALWAYS])
/// @param tailReason why the first of those bytes were dropped; empty if there were none
/// @param dropped those bytes one by one: where they were, and what can be read of them
/// @param filesIgnored hints and images that were missing, stale or damaged and were rebuilt
/// @param leftoversRemoved files of unfinished work that were removed
/// @param damages what was durable and does not verify; empty unless `outcome` is `DAMAGED`
/// @param duration wall time of the open
public record RecoveryReport(
    Outcome outcome,
    Instant openedAt,
    String version,
    int formatVersion,
    IndexSource indexSource,
    int segments,
    int segmentsFromHints,
    int segmentsScanned,
    long recordsRead,
    long bytesRead,
    List<Source> sources,
    long keys,
    long lastSequence,
    long durableSequence,
    long tailBytesCut,
    String tailReason,
    List<Dropped> dropped,
    List<String> filesIgnored,
    List<String> leftoversRemoved,
    List<Damage> damages,
    Duration duration) {

  /// How an open went.
  public enum Outcome {
    /// There was no store; now there is.
    CREATED,
    /// The store had been closed.
    CLEAN,
    /// The store had not been closed. Everything acknowledged is there; after a power loss, what its
    /// [Durability] promised.
    RECOVERED,
    /// Something that was durable is damaged; see [DamagePolicy].
    DAMAGED
  }

  /// A stretch of a file that was read.
  ///
  /// @param file name of the file inside the store's directory
  /// @param from where the stretch begins, in bytes
  /// @param to where it ends
  /// @param records records that were in it: of a segment all that verify, of a hint or an image one for
  ///     each entry, of the manifest one for each segment
  public record Source(String file, long from, long to, long records) {}

  /// A stretch of the log that was dropped: a write that is not whole, what did not reach the disk, or
  /// what stands behind such a place.
  ///
  /// @param file name of the segment file; a segment without a whole write is removed, see
  ///     `leftoversRemoved`
  /// @param offset where the stretch began, in bytes
  /// @param bytes its length, up to its last byte that was not zero
  /// @param reason why it was dropped
  /// @param records puts and deletes in it whose checksum verified
  /// @param firstSequence lowest sequence number that was dropped with it; 0 if nothing tells
  /// @param lastSequence highest one that is known; 0 if nothing tells
  /// @param keyCount keys that could be read in it
  /// @param keys the first of them: at most a thousand, and 64 KiB; those of records that do not verify
  ///     are not guaranteed to be right
  public record Dropped(
      String file,
      long offset,
      long bytes,
      String reason,
      long records,
      long firstSequence,
      long lastSequence,
      long keyCount,
      List<byte[]> keys) {}

  /// Where the index came from.
  public enum IndexSource {
    /// The store was empty.
    NOTHING,
    /// The image written by the last close, plus what was written since.
    IMAGE,
    /// The log and its hint files.
    LOG
  }
}

package dev.kvstore;

import java.time.Duration;
import java.util.List;

/// The receipt of an `open`: what was found, what was done about it. Also left in the directory as
/// `RECOVERY.json`, with the same names; times in milliseconds, keys in hexadecimal.
///
/// @param outcome how it went in one word
/// @param indexSource where the index came from
/// @param segments segments of the store
/// @param segmentsFromHints segments whose keys were loaded from their hint file
/// @param segmentsScanned segments that were read record by record
/// @param recordsRead records read from segments, hints not counted
/// @param bytesRead bytes of segments, hints and index image that were read
/// @param keys keys in the store
/// @param lastSequence sequence number of the last write that is in the store
/// @param durableSequence highest sequence number that the log itself proves was durable
/// @param tailBytesCut bytes behind the last whole write that were dropped; a write under way when
///     the process ended, never an acknowledged one (after power loss: under [Durability#ALWAYS])
/// @param tailReason why those bytes were dropped; empty if there were none
/// @param filesIgnored hints and images that were missing, stale or damaged and were rebuilt
/// @param leftoversRemoved files of unfinished work that were removed
/// @param damages what was durable and does not verify; empty unless `outcome` is `DAMAGED`
/// @param duration wall time of the open
public record RecoveryReport(
    Outcome outcome,
    IndexSource indexSource,
    int segments,
    int segmentsFromHints,
    int segmentsScanned,
    long recordsRead,
    long bytesRead,
    long keys,
    long lastSequence,
    long durableSequence,
    long tailBytesCut,
    String tailReason,
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

package dev.kvstore;

/// One record of a segment as [StoreInspector] meets it.
///
/// @param file name of the segment file
/// @param offset where the record begins, in bytes
/// @param bytes how much of the file it takes, padding included
/// @param kind what it is
/// @param encoding type of the value; BYTES for all but puts
/// @param sequence its place in the order of writes; of a mark, the sequence that was durable
/// @param timestampMillis when it was written, milliseconds since 1970 UTC by the writer's clock
/// @param batchLeft records of the same batch still to come
/// @param key the key; empty for marks
/// @param valueBytes length of the value
/// @param intact whether the checksum verifies; if not, the other fields are what the damaged bytes
///     say
/// @param problem what is wrong with it; empty if intact
public record RecordInfo(
    String file,
    long offset,
    long bytes,
    Kind kind,
    Encoding encoding,
    long sequence,
    long timestampMillis,
    long batchLeft,
    byte[] key,
    long valueBytes,
    boolean intact,
    String problem) {

  /// What a record is.
  public enum Kind {
    /// A key was set.
    PUT,
    /// A key was removed.
    DELETE,
    /// Everything up to the sequence was durable when this was written.
    MARK,
    /// The end of a sealed segment.
    SEAL,
    /// Bytes that are no record.
    DAMAGED,
    /// What a crash left behind the last whole write; dropped by the next open.
    TAIL
  }
}

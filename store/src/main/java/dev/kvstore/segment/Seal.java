package dev.kvstore.segment;

/// What the SEAL record of a segment says about it.
///
/// @param records PUT and DELETE records
/// @param minSequence lowest sequence of them
/// @param maxSequence highest sequence of them
/// @param digest CRC-32C over the stored checksums of all records before the seal, in order
public record Seal(long records, long minSequence, long maxSequence, int digest) {}

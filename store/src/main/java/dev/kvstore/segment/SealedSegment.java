package dev.kvstore.segment;

/// What the manifest knows of a sealed segment.
///
/// @param id its number
/// @param bytes length of its file
/// @param records PUT and DELETE records in it
/// @param tombstoneBytes bytes of the DELETE records
/// @param minSequence lowest sequence in it; [Long#MAX_VALUE] if it has no records
/// @param maxSequence highest sequence in it; 0 if it has no records
/// @param sealChecksum checksum of its SEAL record as stored, which tells it from any other file
public record SealedSegment(
    long id,
    long bytes,
    long records,
    long tombstoneBytes,
    long minSequence,
    long maxSequence,
    int sealChecksum) {}

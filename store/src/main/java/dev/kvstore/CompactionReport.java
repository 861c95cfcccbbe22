package dev.kvstore;

import java.time.Duration;

/// What a compaction did.
///
/// @param segmentsRemoved segments that were compacted and deleted
/// @param segmentsWritten segments that hold what still lived in them
/// @param bytesRead bytes of the segments that were compacted
/// @param bytesWritten bytes that were copied
/// @param bytesFreed bytes by which the store became smaller on the disk
/// @param duration wall time
public record CompactionReport(
    int segmentsRemoved,
    int segmentsWritten,
    long bytesRead,
    long bytesWritten,
    long bytesFreed,
    Duration duration) {}

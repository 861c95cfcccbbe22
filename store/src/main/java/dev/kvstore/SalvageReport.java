package dev.kvstore;

import dev.kvstore.RecoveryReport.Dropped;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// What [StoreInspector#salvage] copied. The damaged store was not changed.
///
/// @param keys keys in the new store
/// @param recordsRead records whose checksum verified
/// @param damages what could not be read or does not verify, with file and offset
/// @param dropped what stands behind the end of the log, which an open of the store would cut off too: a
///     write that was under way when the process ended
/// @param provenance the file that tells where each record comes from; empty if none was asked for
/// @param duration wall time
public record SalvageReport(
    long keys,
    long recordsRead,
    List<Damage> damages,
    List<Dropped> dropped,
    Optional<Path> provenance,
    Duration duration) {}

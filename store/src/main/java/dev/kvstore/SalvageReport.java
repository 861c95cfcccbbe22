package dev.kvstore;

import java.time.Duration;
import java.util.List;

/// What [StoreInspector#salvage] copied. The damaged store was not changed.
///
/// @param keys keys in the new store
/// @param recordsRead records whose checksum verified
/// @param damages what could not be copied, with file and offset
/// @param duration wall time
public record SalvageReport(long keys, long recordsRead, List<Damage> damages, Duration duration) {}

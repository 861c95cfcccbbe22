package dev.kvstore;

import java.time.Duration;
import java.util.List;

/// What [StoreInspector#verify] found. Nothing was changed.
///
/// @param files files that were read
/// @param records records whose checksum verified
/// @param bytes bytes that were read
/// @param keys keys that live in the store; 0 if an open fails for a file that cannot be read, as a note tells
/// @param tailBytes bytes behind the last whole write, which the next open will cut; no damage
/// @param notes things worth knowing that are no damage, such as a hint file that is missing
/// @param damages what does not verify, with file and offset
/// @param duration wall time
public record VerifyReport(
    int files,
    long records,
    long bytes,
    long keys,
    long tailBytes,
    List<String> notes,
    List<Damage> damages,
    Duration duration) {

  /// Whether everything that was durable verifies.
  public boolean isIntact() {
    return damages.isEmpty();
  }
}

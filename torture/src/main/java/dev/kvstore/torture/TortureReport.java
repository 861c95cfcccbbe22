package dev.kvstore.torture;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/// What a run did and found; while it runs, so far.
///
/// @param rounds that were checked
/// @param kills by what the writer was at, as it said itself
/// @param killsWhileRotating of these, how many left more than one segment unfinished
/// @param killsByOthers writers that somebody else killed
/// @param writes acknowledged, batches and deletes among them
/// @param underWayMade writes that were not acknowledged before the kill and turned out to have been made
/// @param underWayNotMade the same, not made; a batch in part is a problem
/// @param opens by writers and checks
/// @param closes by writers
/// @param compactions on demand that came to their end
/// @param segments how many the log has begun
/// @param tailsCut opens that cut off what was not whole at the end of the log
/// @param writesRefused for want of space
/// @param writesUndecided that ended in an error after which they may have happened
/// @param keysChecked against what was acknowledged, over all checks; absent ones too
/// @param problems what was lost, wrong or refused; empty unless the verdict is FAILED
/// @param incident why a run is INCOMPLETE, else empty
public record TortureReport(
    Verdict verdict,
    long rounds,
    Map<Phase, Long> kills,
    long killsWhileRotating,
    long killsByOthers,
    long writes,
    long batches,
    long deletes,
    long valueBytes,
    long underWayMade,
    long underWayNotMade,
    long opens,
    long closes,
    long compactions,
    long segments,
    long tailsCut,
    long tailBytesCut,
    long writesRefused,
    long writesUndecided,
    long keysChecked,
    long bytesChecked,
    List<String> problems,
    String incident,
    Duration duration) {

  /// What it comes to.
  public enum Verdict {
    /// Nothing that was acknowledged is missing.
    PASSED,
    FAILED,
    /// Something other than the store ended the run, or it has killed nobody who had been told anything;
    /// what was checked was right.
    INCOMPLETE
  }

  /// Kills by the run itself.
  public long killsTotal() {
    return kills.values().stream().mapToLong(Long::longValue).sum();
  }

  public long kills(Phase phase) {
    return kills.getOrDefault(phase, 0L);
  }
}

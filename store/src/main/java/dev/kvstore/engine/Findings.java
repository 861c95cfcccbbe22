package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.DamagePolicy;
import dev.kvstore.StoreCorruptionException;
import java.util.ArrayList;
import java.util.List;

/// What recovery comes across, collected for its report.
///
/// Threads: any may add.
final class Findings {
  private final DamagePolicy policy;

  // Guarded by this.
  private final List<Damage> damages = new ArrayList<>();
  private final List<String> filesIgnored = new ArrayList<>();
  private int segmentsFromHints;
  private int segmentsScanned;
  private long recordsRead;
  private long bytesRead;
  private long tailBytesCut;
  private String tailReason = "";

  Findings(DamagePolicy policy) {
    this.policy = policy;
  }

  /// Something that was durable does not verify.
  ///
  /// @throws StoreCorruptionException if damage is to be refused
  synchronized void damage(Damage damage) {
    if (policy == DamagePolicy.REFUSE) {
      throw new StoreCorruptionException(
          damage.file(),
          damage.offset(),
          damage.problem()
              + " ("
              + damage.bytes()
              + " bytes); nothing was changed; `kvstore verify` lists all damage, `kvstore salvage`"
              + " copies what verifies into a new store, DamagePolicy.SERVE_REST opens what is left");
    }
    damages.add(damage);
  }

  synchronized void ignored(String file, String why) {
    filesIgnored.add(file + ": " + why);
  }

  synchronized void hintLoaded(long bytes) {
    segmentsFromHints++;
    bytesRead += bytes;
  }

  synchronized void scanned(long records, long bytes) {
    segmentsScanned++;
    recordsRead += records;
    bytesRead += bytes;
  }

  synchronized void imageLoaded(long bytes) {
    bytesRead += bytes;
  }

  synchronized void tailCut(long bytes, String reason) {
    tailBytesCut += bytes;
    if (tailReason.isEmpty()) {
      tailReason = reason;
    }
  }

  synchronized List<Damage> damages() {
    return List.copyOf(damages);
  }

  synchronized List<String> filesIgnored() {
    return List.copyOf(filesIgnored);
  }

  synchronized int segmentsFromHints() {
    return segmentsFromHints;
  }

  synchronized int segmentsScanned() {
    return segmentsScanned;
  }

  synchronized long recordsRead() {
    return recordsRead;
  }

  synchronized long bytesRead() {
    return bytesRead;
  }

  synchronized long tailBytesCut() {
    return tailBytesCut;
  }

  synchronized String tailReason() {
    return tailReason;
  }
}

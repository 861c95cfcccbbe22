package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.DamagePolicy;
import dev.kvstore.RecoveryReport.Dropped;
import dev.kvstore.RecoveryReport.Source;
import dev.kvstore.StoreCorruptionException;
import java.util.ArrayList;
import java.util.List;

/// What recovery comes across, collected for its report.
///
/// Threads: any may add.
final class Findings {
  private static final int SOURCES_MAX = 1000;

  private final DamagePolicy policy;

  // Guarded by this.
  private final List<Damage> damages = new ArrayList<>();
  private final List<String> filesIgnored = new ArrayList<>();
  private final List<Source> sources = new ArrayList<>();
  private final List<Dropped> dropped = new ArrayList<>();
  private int segmentsFromHints;
  private int segmentsScanned;
  private long recordsRead;
  private long bytesRead;

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

  /// A file was read that is no part of the log.
  synchronized void read(String file, long bytes, long records) {
    addSource(new Source(file, 0, bytes, records));
  }

  synchronized void hintLoaded(String file, long bytes, long records) {
    segmentsFromHints++;
    bytesRead += bytes;
    addSource(new Source(file, 0, bytes, records));
  }

  synchronized void scanned(String file, long from, long to, long records) {
    segmentsScanned++;
    recordsRead += records;
    bytesRead += to - from;
    addSource(new Source(file, from, to, records));
  }

  synchronized void imageLoaded(String file, long bytes, long keys) {
    bytesRead += bytes;
    addSource(new Source(file, 0, bytes, keys));
  }

  private void addSource(Source source) {
    if (sources.size() < SOURCES_MAX) {
      sources.add(source);
    }
  }

  /// These stretches are not part of the log any more.
  synchronized void tailCut(List<Dropped> stretches) {
    dropped.addAll(stretches);
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

  synchronized List<Source> sources() {
    return List.copyOf(sources);
  }

  synchronized List<Dropped> dropped() {
    return List.copyOf(dropped);
  }

  synchronized long tailBytesCut() {
    long bytes = 0;
    for (Dropped stretch : dropped) {
      bytes += stretch.bytes();
    }
    return bytes;
  }

  synchronized String tailReason() {
    return dropped.isEmpty() ? "" : dropped.getFirst().reason();
  }
}

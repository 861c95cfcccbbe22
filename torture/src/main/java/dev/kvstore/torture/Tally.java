package dev.kvstore.torture;

import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// Counts a run. Those of the writers are in the [Ledger].
final class Tally {
  private final EnumMap<Phase, Long> kills = new EnumMap<>(Phase.class);
  private final long begin = System.nanoTime();
  private long rounds;
  private long killsWhileRotating;
  private long killsByOthers;
  private long underWayMade;
  private long underWayNotMade;
  private long opens;
  private long segments;
  private long tailsCut;
  private long tailBytesCut;
  private long keysChecked;
  private long bytesChecked;

  void killed(Phase phase) {
    kills.merge(phase, 1L, Long::sum);
  }

  /// Kills by the run itself, of writers that had begun with the store.
  long killsAtWork() {
    return kills.entrySet().stream()
        .filter(kill -> kill.getKey() != Phase.STARTING)
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  void killedByOthers() {
    killsByOthers++;
  }

  void killedWhileRotating() {
    killsWhileRotating++;
  }

  void settled(Check.Settled settled) {
    underWayMade += settled.happened();
    underWayNotMade += settled.not();
  }

  void opened() {
    opens++;
  }

  /// An open for writing cut so many bytes off the log, perhaps none.
  void cut(long bytes) {
    tailsCut += bytes > 0 ? 1 : 0;
    tailBytesCut += bytes;
  }

  void checked(Check check) {
    keysChecked += check.keys();
    bytesChecked += check.bytes();
  }

  void segments(long begun) {
    segments = Math.max(segments, begun);
  }

  void round() {
    rounds++;
  }

  TortureReport report(
      Ledger ledger, TortureReport.Verdict verdict, List<String> problems, String incident) {
    return new TortureReport(
        verdict,
        rounds,
        new EnumMap<>(kills),
        killsWhileRotating,
        killsByOthers,
        ledger.count(Ledger.ThreadCounter.WRITES),
        ledger.count(Ledger.ThreadCounter.BATCHES),
        ledger.count(Ledger.ThreadCounter.DELETES),
        ledger.count(Ledger.ThreadCounter.VALUE_BYTES),
        underWayMade,
        underWayNotMade,
        opens + ledger.count(Ledger.Counter.OPENS),
        ledger.count(Ledger.Counter.CLOSES),
        ledger.count(Ledger.Counter.COMPACTIONS),
        segments,
        tailsCut + ledger.count(Ledger.Counter.TAILS_CUT),
        tailBytesCut + ledger.count(Ledger.Counter.TAIL_BYTES_CUT),
        ledger.count(Ledger.ThreadCounter.REFUSED),
        ledger.count(Ledger.ThreadCounter.UNDECIDED),
        keysChecked,
        bytesChecked,
        List.copyOf(problems),
        incident,
        Duration.ofNanos(System.nanoTime() - begin));
  }
}

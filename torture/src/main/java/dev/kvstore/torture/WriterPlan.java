package dev.kvstore.torture;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.Options;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// What a writer does, as it is handed to its process.
///
/// @param threads how many of the ledger's threads write
/// @param compactsOnDemand whether another thread compacts all the time
/// @param sessionMillisMax how long the store is open at most before it is closed and opened again; 0:
///     until the process is killed
/// @param expectsTrouble whether errors of the file system are something to live with, not the end
record WriterPlan(
    Path store,
    Path ledger,
    Durability durability,
    long segmentBytes,
    CompactionPolicy compaction,
    int threads,
    boolean compactsOnDemand,
    int sessionMillisMax,
    int valueBytesMax,
    boolean expectsTrouble,
    long seed) {

  Options options() {
    return Options.builder()
        .durability(durability)
        .segmentBytesMax(segmentBytes)
        .compaction(compaction)
        .build();
  }

  List<String> toArguments() {
    return List.of(
        store.toString(),
        ledger.toString(),
        switch (durability) {
          case Durability.Always _ -> "always";
          case Durability.Os _ -> "os";
          case Durability.Every every -> Long.toString(every.interval().toNanos());
        },
        Long.toString(segmentBytes),
        switch (compaction) {
          case CompactionPolicy.Manual _ -> "manual";
          case CompactionPolicy.Threshold threshold -> Long.toString(threshold.garbageBytes());
          case CompactionPolicy.Automatic automatic ->
              automatic.garbageRatio() + ":" + automatic.garbageBytesMin();
        },
        Integer.toString(threads),
        Boolean.toString(compactsOnDemand),
        Integer.toString(sessionMillisMax),
        Integer.toString(valueBytesMax),
        Boolean.toString(expectsTrouble),
        Long.toString(seed));
  }

  static WriterPlan parse(String... arguments) {
    return new WriterPlan(
        Path.of(arguments[0]),
        Path.of(arguments[1]),
        switch (arguments[2]) {
          case "always" -> Durability.ALWAYS;
          case "os" -> Durability.OS;
          default -> Durability.every(Duration.ofNanos(Long.parseLong(arguments[2])));
        },
        Long.parseLong(arguments[3]),
        compaction(arguments[4]),
        Integer.parseInt(arguments[5]),
        Boolean.parseBoolean(arguments[6]),
        Integer.parseInt(arguments[7]),
        Integer.parseInt(arguments[8]),
        Boolean.parseBoolean(arguments[9]),
        Long.parseLong(arguments[10]));
  }

  private static CompactionPolicy compaction(String word) {
    int colon = word.indexOf(':');
    if (word.equals("manual")) {
      return CompactionPolicy.manual();
    }
    return colon < 0
        ? CompactionPolicy.threshold(Long.parseLong(word))
        : CompactionPolicy.automatic(
            Double.parseDouble(word.substring(0, colon)),
            Long.parseLong(word.substring(colon + 1)));
  }
}

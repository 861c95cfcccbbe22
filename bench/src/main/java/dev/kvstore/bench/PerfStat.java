package dev.kvstore.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongConsumer;

/// Asks `perf stat`, where there is one and the processor lets it count, what the calling thread does.
final class PerfStat {
  private static final List<String> EVENTS = List.of("cycles", "instructions", "cache-misses");
  private static final int STEPS_BETWEEN = 256;

  private PerfStat() {}

  /// Repeats a step for that long and returns events of user mode per step; empty if nothing can be
  /// counted.
  static Map<String, Double> perStep(double seconds, LongConsumer step) throws Exception {
    Process perf;
    try {
      perf = start(seconds);
    } catch (IOException e) {
      return Map.of(); // There is no perf.
    }
    long begin = System.nanoTime();
    long steps = 0;
    while (perf.isAlive()) {
      for (int i = 0; i < STEPS_BETWEEN; i++) {
        step.accept(steps++);
      }
    }
    double perSecond = steps * 1e9 / (System.nanoTime() - begin);
    String output = new String(perf.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    Map<String, Double> perStep = new LinkedHashMap<>();
    counts(output).forEach((event, count) -> perStep.put(event, count / (seconds * perSecond)));
    return perStep;
  }

  private static Process start(double seconds) throws IOException {
    // Of the form 4711/task/4712.
    String thread = Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName().toString();
    String events = String.join(":u,", EVENTS) + ":u";
    String time = String.format(Locale.ROOT, "%.3f", seconds);
    return new ProcessBuilder("perf", "stat", "-x", ",", "-e", events, "-t", thread, "sleep", time)
        .start();
  }

  /// Reads the lines that `perf stat -x ,` prints: count, unit, event and more. An event that it does
  /// not know or cannot count is not in the answer.
  static Map<String, Double> counts(String output) {
    Map<String, Double> counts = new LinkedHashMap<>();
    for (String line : output.lines().toList()) {
      List<String> fields = List.of(line.split(",", -1));
      if (fields.size() > 2 && fields.get(0).matches("[0-9]+")) {
        counts.put(fields.get(2).replaceFirst(":.*", ""), Double.parseDouble(fields.get(0)));
      }
    }
    return counts;
  }
}

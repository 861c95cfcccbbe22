package dev.kvstore.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// Where a work runs, and where it leaves its numbers.
final class Stage {
  /// Under this name a line says what a reader of the table should know.
  static final String NOTE = "note";

  private final Task task;
  private final Map<String, Object> numbers = new LinkedHashMap<>();

  Stage(Task task) {
    this.task = task;
  }

  Data data() {
    return task.data();
  }

  Path directory() {
    return task.directory();
  }

  /// How long to measure what has no end of its own.
  double seconds() {
    return task.seconds();
  }

  /// How long to do the same before it is measured.
  double warmUpSeconds() {
    return Math.min(1, task.seconds());
  }

  /// Opens the store of this work.
  Peer open(boolean durable) throws IOException {
    Peer peer = open(task.directory(), durable);
    report("settings", peer.settings());
    return peer;
  }

  /// Opens an empty store for warming up beside it.
  Peer openScratch(boolean durable) throws IOException {
    return open(scratch(task.directory()), durable);
  }

  private Peer open(Path directory, boolean durable) throws IOException {
    Files.createDirectories(directory);
    PeerKind kind = task.peer().orElseThrow();
    Data data = task.data();
    Data most =
        new Data(data.keys() * task.row().shape().room(), data.keyBytes(), data.valueBytes());
    Opening opening = Opening.inMemory(durable, most);
    if (task.memoryBytes().isPresent()) {
      // A third for the caches of stores that have them; the rest is for the heap and the system.
      opening =
          new Opening(
              durable,
              opening.keys(),
              opening.keyBytes(),
              opening.valueBytes(),
              task.memoryBytes().getAsLong() / 3);
    }
    return kind.open(directory, opening);
  }

  /// The directory beside a store for what is gone when the work has ended.
  static Path scratch(Path directory) {
    return directory.resolveSibling(directory.getFileName() + "-scratch");
  }

  /// Reads and checks every key, in all processors: the JIT and the caches of the store have then
  /// seen what is there.
  void readAll(Peer peer) {
    Data data = task.data();
    Driver.times(
        data.keys(),
        Runtime.getRuntime().availableProcessors(),
        Integer.MAX_VALUE,
        thread -> {
          byte[] key = new byte[data.keyBytes()];
          return number -> {
            data.fillKey(number, key);
            data.check(number, 0, peer.get(key));
          };
        });
  }

  void report(String name, Object number) {
    numbers.put(name, number);
  }

  void report(Driver.Outcome outcome) {
    report(outcome, 1);
  }

  /// @param size how many operations a step made
  void report(Driver.Outcome outcome, int size) {
    report("operations", outcome.operations() * size);
    report("nanos", outcome.nanos());
    report("rate", outcome.rate() * size);
    report("p50Nanos", outcome.latencies().getValueAtPercentile(50));
    report("p99Nanos", outcome.latencies().getValueAtPercentile(99));
    report("p999Nanos", outcome.latencies().getValueAtPercentile(99.9));
    report("maxNanos", outcome.latencies().getMaxValue());
  }

  /// Writes a line of its own now: one point of a curve, there also if the work is not finished.
  void point(Map<String, ?> point) throws IOException {
    Map<String, Object> line = task.heading();
    line.putAll(point);
    JsonLines.append(task.lines(), line);
  }

  /// Writes everything that was reported.
  void finish() throws IOException {
    Map<String, Object> line = task.heading();
    line.putAll(numbers);
    JsonLines.append(task.lines(), line);
  }
}

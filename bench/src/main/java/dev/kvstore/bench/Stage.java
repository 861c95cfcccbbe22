package dev.kvstore.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// Where a work runs, and where it leaves its numbers.
final class Stage {
  private final PeerKind kind;
  private final Path directory;
  private final Data data;
  private final double seconds;
  private final Map<String, Object> numbers = new LinkedHashMap<>();

  Stage(PeerKind kind, Path directory, Data data, double seconds) {
    this.kind = kind;
    this.directory = directory;
    this.data = data;
    this.seconds = seconds;
  }

  Data data() {
    return data;
  }

  Path directory() {
    return directory;
  }

  /// How long to measure what has no end of its own.
  double seconds() {
    return seconds;
  }

  /// Opens the store of this work.
  Peer open(boolean durable) throws IOException {
    Files.createDirectories(directory);
    Peer peer = kind.open(directory, Opening.inMemory(durable, data));
    numbers.put("settings", peer.settings());
    return peer;
  }

  /// Opens an empty store for warming up beside it.
  Peer openScratch(boolean durable) throws IOException {
    Path scratch = directory.resolveSibling(directory.getFileName() + "-scratch");
    Files.createDirectories(scratch);
    return kind.open(scratch, Opening.inMemory(durable, data));
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
    report("rate", outcome.operations() * size * 1e9 / outcome.nanos());
    report("p50Nanos", outcome.latencies().getValueAtPercentile(50));
    report("p99Nanos", outcome.latencies().getValueAtPercentile(99));
    report("p999Nanos", outcome.latencies().getValueAtPercentile(99.9));
  }

  Map<String, Object> numbers() {
    return numbers;
  }
}

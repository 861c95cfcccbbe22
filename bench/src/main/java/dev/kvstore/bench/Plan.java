package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;

/// What was asked for on the command line.
record Plan(
    List<PeerKind> peers,
    List<Row> rows,
    Data data,
    int rounds,
    double seconds,
    Path stores,
    Path results,
    boolean keep) {

  static final String USAGE =
      """
      usage: bench [--peers kvstore,rocksdb,lmdb] [--rows load,get,...] [--keys 1000000]
                   [--key-bytes 16] [--value-bytes 100] [--rounds 3] [--seconds 2]
                   [--stores DIR] [--results DIR] [--keep yes]
      rows: %s
      """
          .formatted(String.join(" ", Row.all().stream().map(Row::name).toList()));

  static Plan parse(String[] args) {
    List<PeerKind> peers = List.of(PeerKind.values());
    List<String> rows = Row.usual();
    long keys = 1_000_000;
    int keyBytes = 16;
    int valueBytes = 100;
    int rounds = 3;
    double seconds = 2;
    Path home = Path.of(System.getProperty("kvstore.bench.target", "target/bench"));
    Path stores = home.resolve("stores");
    Path results = home;
    boolean keep = false;
    Deque<String> left = new ArrayDeque<>(List.of(args));
    while (!left.isEmpty()) {
      String name = left.pop();
      if (left.isEmpty()) {
        throw new IllegalArgumentException(name + " needs a value");
      }
      String value = left.pop();
      switch (name) {
        case "--peers" ->
            peers =
                Arrays.stream(value.split(",", -1))
                    .map(word -> PeerKind.valueOf(word.toUpperCase(Locale.ROOT)))
                    .toList();
        case "--rows" -> rows = List.of(value.split(",", -1));
        case "--keys" -> keys = Long.parseLong(value.replace("_", ""));
        case "--key-bytes" -> keyBytes = Integer.parseInt(value);
        case "--value-bytes" -> valueBytes = Integer.parseInt(value);
        case "--rounds" -> rounds = Integer.parseInt(value);
        case "--seconds" -> seconds = Double.parseDouble(value);
        case "--stores" -> stores = Path.of(value);
        case "--results" -> results = Path.of(value);
        case "--keep" -> keep = value.equals("yes");
        default -> throw new IllegalArgumentException("unknown: " + name);
      }
    }
    Data data = new Data(keys, keyBytes, valueBytes);
    return new Plan(peers, Row.named(rows), data, rounds, seconds, stores, results, keep);
  }

  /// The data of a row.
  Data data(Row row) {
    return row.keyBytes() == 0 ? data : new Data(data.keys(), row.keyBytes(), data.valueBytes());
  }
}

package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What was asked for on the command line.
///
/// @param rows with those that must run before them
/// @param data of every row that does not have its own
/// @param limitSeconds after which a JVM is killed
/// @param lines the file that results are added to; what is there already is not measured again
/// @param measure whether to run anything, or only to report what is there
/// @param write a file of which the part between two marks is replaced by the report
/// @param plots where pictures go
record Plan(
    List<PeerKind> peers,
    List<Row> rows,
    Data data,
    int rounds,
    double seconds,
    long limitSeconds,
    Path stores,
    Path lines,
    boolean measure,
    Optional<Path> write,
    Optional<Path> plots,
    boolean keep) {

  /// Of the durable peers those that are the best somewhere, and the one that is not durable.
  private static final List<PeerKind> MAIN_PEERS =
      List.of(
          PeerKind.KVSTORE,
          PeerKind.ROCKSDB,
          PeerKind.LMDB,
          PeerKind.MAPDB,
          PeerKind.JE,
          PeerKind.CHRONICLE);

  static final String USAGE =
      """
      usage: bench [--peers all|kvstore,rocksdb,...] [--rows main|all|load,get,...] [--keys 1000000]
                   [--key-bytes 16] [--value-bytes 100] [--rounds 3] [--seconds 0.5] [--limit 300]
                   [--json FILE] [--report yes] [--write FILE.md] [--plots DIR]
                   [--stores DIR] [--keep yes]
      --json    adds to this file and leaves out what is there, so a run can be taken up again
      --report  measures nothing: only report and plots of --json
      --write   puts the report into this file, between its lines <!-- results --> and <!-- /results -->
      peers: %s
      rows: %s
      sets of rows: %s
      """
          .formatted(
              String.join(" ", Arrays.stream(PeerKind.values()).map(PeerKind::word).toList()),
              String.join(" ", Rows.all().stream().map(Row::name).toList()),
              String.join(" ", Arrays.stream(RowSet.values()).map(RowSet::word).toList()));

  /// @param now names the file of lines unless it is given
  static Plan parse(List<String> arguments, String now) {
    List<PeerKind> peers = MAIN_PEERS;
    List<String> rows = RowSet.MAIN.rows();
    long keys = 1_000_000;
    int keyBytes = 16;
    int valueBytes = 100;
    int rounds = 3;
    double seconds = 0.5;
    long limitSeconds = 300;
    Path home = Path.of(System.getProperty("kvstore.bench.target", "target/bench"));
    Path stores = home.resolve("stores");
    Path lines = home.resolve(now + ".jsonl");
    boolean measure = true;
    Optional<Path> write = Optional.empty();
    Optional<Path> plots = Optional.empty();
    boolean keep = false;
    Deque<String> left = new ArrayDeque<>(arguments);
    while (!left.isEmpty()) {
      String name = left.pop();
      if (left.isEmpty()) {
        throw new IllegalArgumentException(name + " needs a value");
      }
      String value = left.pop();
      switch (name) {
        case "--peers" -> peers = peers(value);
        case "--rows" -> rows = rows(value);
        case "--keys" -> keys = Long.parseLong(value.replace("_", ""));
        case "--key-bytes" -> keyBytes = Integer.parseInt(value);
        case "--value-bytes" -> valueBytes = Integer.parseInt(value);
        case "--rounds" -> rounds = Integer.parseInt(value);
        case "--seconds" -> seconds = Double.parseDouble(value);
        case "--limit" -> limitSeconds = Long.parseLong(value);
        case "--stores" -> stores = Path.of(value);
        case "--json" -> lines = Path.of(value);
        case "--report" -> measure = !value.equals("yes");
        case "--write" -> write = Optional.of(Path.of(value));
        case "--plots" -> plots = Optional.of(Path.of(value));
        case "--keep" -> keep = value.equals("yes");
        default -> throw new IllegalArgumentException("unknown: " + name);
      }
    }
    return new Plan(
        peers,
        Rows.withPreparation(rows),
        new Data(keys, keyBytes, valueBytes),
        rounds,
        seconds,
        limitSeconds,
        stores,
        lines,
        measure,
        write,
        plots,
        keep);
  }

  private static List<PeerKind> peers(String words) {
    return words.equals("all")
        ? List.of(PeerKind.values())
        : Arrays.stream(words.split(",", -1))
            .map(word -> PeerKind.valueOf(word.toUpperCase(Locale.ROOT)))
            .toList();
  }

  private static List<String> rows(String names) {
    return RowSet.named(names).map(RowSet::rows).orElseGet(() -> List.of(names.split(",", -1)));
  }

  /// What a row does for a peer in a round.
  Task task(Row row, Optional<PeerKind> peer, int round) {
    return new Task(
        row,
        peer,
        round,
        data,
        row.shape().of(data),
        seconds,
        stores.resolve(Task.word(peer) + "-" + row.store()),
        lines);
  }
}

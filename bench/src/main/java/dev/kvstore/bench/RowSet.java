package dev.kvstore.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Rows that have a name together.
enum RowSet {
  /// Enough to see where the store stands, in a quarter of an hour.
  MAIN(
      "load get get-2 get-zipf miss get-all reopen overwrite compaction raw-append durable-1 durable-64"
          + " durable-64v durable-64f reopen-killed"),
  /// What is worth measuring also with ten times as many keys.
  GROWN(
      "load load-2 get get-2 get-zipf miss get-all reopen open-scan overwrite compaction reopen-killed"
          + " ycsb-a ycsb-a-2 ycsb-b ycsb-b-2 ycsb-c ycsb-c-2 ycsb-d ycsb-d-2 ycsb-f ycsb-f-2 bytes-16"
          + " index-growth"),
  /// What needs more keys than fit into the memory that is allowed.
  LARGE(
      "large-get large-get-zipf large-get-all large-overwrite large-overwrite-8 large-overwrite-batch"
          + " large-get-1k large-get-zipf-1k large-get-all-1k large-overwrite-1k large-overwrite-8-1k"
          + " large-overwrite-batch-1k"),
  /// What is about many keys.
  HUGE("load reopen open-scan reopen-killed bytes-16 index-growth growth"),
  /// Every row but those that need more keys.
  EACH(""),
  ALL("");

  private final List<String> names;

  RowSet(String names) {
    this.names = List.of(names.split(" ", -1));
  }

  /// Its name on the command line.
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Optional<RowSet> named(String word) {
    return Arrays.stream(values()).filter(set -> set.word().equals(word)).findFirst();
  }

  List<String> rows() {
    List<String> all = Rows.all().stream().map(Row::name).toList();
    return switch (this) {
      case MAIN, GROWN, LARGE, HUGE -> names;
      case EACH ->
          all.stream()
              .filter(name -> !name.startsWith("large-") && !name.contains("growth"))
              .toList();
      case ALL -> all;
    };
  }
}

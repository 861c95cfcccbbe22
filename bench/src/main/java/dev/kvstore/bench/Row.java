package dev.kvstore.bench;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// One work with its name and what it needs.
///
/// @param name on the command line
/// @param title in the table
/// @param after the row that must have run before in the same round; empty if the store begins empty
/// @param store which of a peer's stores it uses; rows that follow each other share one
/// @param keyBytes overrides the size of keys; 0 for the one that was asked for
/// @param once whether one round is enough
/// @param metrics what goes into the table; none if it only prepares another row
/// @param jvmFlags for its JVM
record Row(
    String name,
    String title,
    Optional<String> after,
    String store,
    int keyBytes,
    boolean once,
    List<Metric> metrics,
    List<String> jvmFlags,
    Work work) {

  /// A number in the table.
  ///
  /// @param key under which the work reported it
  record Metric(String key, Unit unit) {}

  enum Unit {
    PER_SECOND,
    MILLIS,
    BYTES_PER_KEY;

    boolean higherIsBetter() {
      return this == PER_SECOND;
    }
  }

  private static final List<Metric> RATE = List.of(new Metric("rate", Unit.PER_SECOND));
  private static final List<Metric> MILLIS = List.of(new Metric("millis", Unit.MILLIS));
  private static final List<Metric> BYTES =
      List.of(
          new Metric("indexBytesPerKey", Unit.BYTES_PER_KEY),
          new Metric("anonBytesPerKey", Unit.BYTES_PER_KEY),
          new Metric("diskBytesPerKey", Unit.BYTES_PER_KEY));
  private static final int BATCH = 1000;
  private static final int ALL = 64;

  /// Every row, in the order in which they run.
  static List<Row> all() {
    List<Row> rows = new ArrayList<>();
    rows.add(first("load-batch", "load, relaxed, 1000 per batch", "batch", new LoadWork(BATCH)));
    rows.add(first("load", "load, relaxed, one by one", "main", new LoadWork(1)));
    rows.add(get("get", "get, uniform", GetWork.Choice.UNIFORM, 1));
    rows.add(get("get-2", "get, uniform, 2 threads", GetWork.Choice.UNIFORM, 2));
    rows.add(get("get-zipf", "get, zipfian", GetWork.Choice.ZIPFIAN, 1));
    rows.add(get("miss", "get of an absent key", GetWork.Choice.ABSENT, 1));
    rows.add(
        then(
            "get-all",
            "get of 64 keys in one call, keys",
            "load",
            "main",
            RATE,
            new GetAllWork(ALL)));
    rows.add(
        then("reopen", "open after close, to first get", "load", "main", MILLIS, new ReopenWork()));
    rows.add(then("overwrite", "overwrite, relaxed", "load", "main", RATE, new OverwriteWork()));
    rows.add(
        new Row(
            "kill",
            "",
            Optional.empty(),
            "killed",
            0,
            false,
            List.of(),
            List.of(),
            new KillWork()));
    rows.add(
        then(
            "reopen-killed",
            "open after kill -9, to first get",
            "kill",
            "killed",
            MILLIS,
            new ReopenWork()));
    rows.add(durable("durable-1", "durable put, 1 thread", 1, false));
    rows.add(durable("durable-8", "durable put, 8 threads", 8, false));
    rows.add(durable("durable-64", "durable put, 64 threads", 64, false));
    rows.add(durable("durable-64v", "durable put, 64 virtual threads", 64, true));
    for (int size : new int[] {8, 16, 64, 256}) {
      addMemory(rows, size);
    }
    return rows;
  }

  /// What runs unless rows are named: enough for a first look, in some ten minutes.
  static List<String> usual() {
    return List.of(
        "load",
        "load-batch",
        "get",
        "get-zipf",
        "miss",
        "get-all",
        "reopen",
        "overwrite",
        "reopen-killed",
        "durable-1",
        "durable-64",
        "durable-64v",
        "bytes-8",
        "bytes-16",
        "bytes-64",
        "bytes-256");
  }

  /// The rows of these names and those that must run before them.
  static List<Row> named(List<String> names) {
    List<Row> all = all();
    Set<String> wanted = new LinkedHashSet<>();
    for (String name : names) {
      Row row =
          all.stream()
              .filter(candidate -> candidate.name.equals(name))
              .findFirst()
              .orElseThrow(() -> new IllegalArgumentException("no row is named " + name));
      row.after.ifPresent(wanted::add);
      wanted.add(name);
    }
    return all.stream().filter(row -> wanted.contains(row.name)).toList();
  }

  /// What a store must promise to run it and the row before it.
  Set<Promise> needs() {
    Set<Promise> needs = EnumSet.noneOf(Promise.class);
    needs.addAll(work.needs());
    after.ifPresent(before -> needs.addAll(named(List.of(before)).getLast().needs()));
    return needs;
  }

  private static Row first(String name, String title, String store, Work work) {
    return new Row(name, title, Optional.empty(), store, 0, false, RATE, List.of(), work);
  }

  private static Row then(
      String name, String title, String after, String store, List<Metric> metrics, Work work) {
    return new Row(name, title, Optional.of(after), store, 0, false, metrics, List.of(), work);
  }

  private static Row get(String name, String title, GetWork.Choice choice, int threads) {
    return then(name, title, "load", "main", RATE, new GetWork(choice, threads));
  }

  private static Row durable(String name, String title, int threads, boolean virtual) {
    return first(name, title, name, new DurablePutWork(threads, virtual));
  }

  private static void addMemory(List<Row> rows, int size) {
    String fill = "fill-" + size;
    rows.add(
        new Row(
            fill, "", Optional.empty(), fill, size, true, List.of(), List.of(), new LoadWork(1)));
    rows.add(
        new Row(
            "bytes-" + size,
            "memory, keys of " + size + " B",
            Optional.of(fill),
            fill,
            size,
            true,
            BYTES,
            List.of("-XX:+AlwaysPreTouch"),
            new MemoryWork()));
  }
}

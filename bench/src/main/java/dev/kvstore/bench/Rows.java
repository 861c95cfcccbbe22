package dev.kvstore.bench;

import dev.kvstore.bench.LargeWork.Choice;
import dev.kvstore.bench.Row.By;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// Every row, in the order in which they run, with what it should come to.
final class Rows {
  private static final int BATCH = 1000;
  private static final int ALL = 64;
  private static final int SMALL_VALUE_BYTES = 16;
  private static final long RAW_BYTES = 1L << 30;
  private static final List<Row> ALL_ROWS = make();

  private Rows() {}

  static List<Row> all() {
    return ALL_ROWS;
  }

  static Row named(String name) {
    return named(all(), name);
  }

  private static Row named(List<Row> rows, String name) {
    return rows.stream()
        .filter(row -> row.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no row is named " + name));
  }

  /// The rows of these names and those that must run before them.
  static List<Row> withPreparation(List<String> names) {
    Set<Row> wanted = new LinkedHashSet<>();
    for (String name : names) {
      Row row = named(name);
      wanted.add(row);
      row.after().map(Rows::named).ifPresent(wanted::add);
    }
    return all().stream().filter(wanted::contains).toList();
  }

  private static List<Row> make() {
    List<Row> rows = new ArrayList<>();
    addReadsAndLoads(rows);
    addDurable(rows);
    addValueSizes(rows);
    addOpen(rows);
    addYcsb(rows);
    addMemory(rows);
    addGrowth(rows);
    return List.copyOf(rows);
  }

  private static void addReadsAndLoads(List<Row> rows) {
    Row load =
        Row.of(
            "load",
            "load, relaxed, 1 thread",
            new LoadWork(1, 1),
            Metric.rate(best(4), chronicle(1.5)));
    rows.add(load);
    rows.add(
        Row.of(
            "load-2",
            "load, relaxed, 2 threads",
            new LoadWork(2, 1),
            Metric.rate(new Goal.Row("load", "rate", 1, "1 thread"))));
    rows.add(
        Row.of(
            "load-batch",
            "load, relaxed, " + BATCH + " per batch",
            new LoadWork(1, BATCH),
            Metric.rate()));
    rows.add(get(load, "get", "get, uniform", GetWork.Choice.UNIFORM, 1, gets()));
    rows.add(get(load, "get-2", "get, uniform, 2 threads", GetWork.Choice.UNIFORM, 2, gets()));
    Goal[] skewed = {best(1.5), chronicle(1)};
    rows.add(get(load, "get-zipf", "get, zipfian", GetWork.Choice.ZIPFIAN, 1, skewed));
    rows.add(get(load, "miss", "get of an absent key", GetWork.Choice.ABSENT, 1, skewed));
    rows.add(
        Row.of(
                "get-all",
                "get of " + ALL + " keys in one call",
                new GetAllWork(ALL),
                Metric.rate(new Goal.Row("get", "rate", 1.5, "single gets")))
            .after(load));
    rows.add(
        Row.of(
                "reopen",
                "open after close",
                new ReopenWork(),
                Metric.of("millis", "to first get", Unit.MILLIS, new Goal.AtMost(50)),
                Metric.of("peakBytes", "memory", Unit.BYTES),
                Metric.of("heapPeakBytes", "heap", Unit.BYTES))
            .after(load));
    rows.add(
        Row.of(
                "open-scan",
                "open by full scan",
                new OpenScanWork(),
                Metric.of("millis", "to first get", Unit.MILLIS),
                Metric.of("bandwidth", "log read", Unit.BYTES_PER_SECOND),
                Metric.of("ofRead", "of a plain read", Unit.SHARE, new Goal.AtLeast(0.7)),
                Metric.of("peakBytes", "memory", Unit.BYTES))
            .by(By.KVSTORE)
            .after(load));
    rows.add(
        Row.of(
                "cost",
                "cost",
                new CostWork(),
                Metric.of("getAllocatedBytes", "heap of a get", Unit.BYTES_PER_OPERATION),
                Metric.of("missAllocatedBytes", "heap of a miss", Unit.BYTES_PER_OPERATION),
                Metric.of("putAllocatedBytes", "heap of an overwrite", Unit.BYTES_PER_OPERATION),
                Metric.of("get-cycles", "cycles of a get", Unit.COUNT),
                Metric.of("get-instructions", "instructions of a get", Unit.COUNT),
                Metric.of("get-cache-misses", "cache misses of a get", Unit.COUNT))
            .after(load));
    rows.add(
        Row.of(
                "overwrite",
                "overwrite, steady state",
                new OverwriteWork(),
                Metric.rate(best(4), chronicle(1)),
                Metric.of("writeTimes", "write amplification", Unit.TIMES, new Goal.AtMost(2)),
                Metric.of(
                    "spaceTimesMost",
                    "space of live data, worst",
                    Unit.TIMES,
                    new Goal.AtMost(1.5)),
                Metric.of("systemWriteTimes", "written by the system", Unit.TIMES).notCompared(),
                Metric.of("diskTimes", "disk of keys and values", Unit.TIMES),
                Metric.of("getP999Nanos", "p99.9 of gets beside", Unit.NANOS),
                Metric.of("getP999Times", "of idle p99.9", Unit.TIMES, new Goal.AtMost(3)))
            .after(load));
    rows.add(compaction("compaction", "compaction, a third garbage"));
    rows.add(
        compaction("compaction-1k", "compaction, a third garbage, values of 1 KiB")
            .shape(1 << 18, 0, 1 << 10));
  }

  private static Row compaction(String name, String title) {
    return Row.of(
            name,
            title,
            new CompactionWork(),
            Metric.of("bandwidth", "input", Unit.BYTES_PER_SECOND, new Goal.AtLeast(1e9)),
            Metric.of("ofCopy", "of a file copy", Unit.SHARE, new Goal.AtLeast(0.7)),
            Metric.of("ofCopyForced", "of a forced copy", Unit.SHARE))
        .by(By.KVSTORE);
  }

  private static Row get(
      Row load, String name, String title, GetWork.Choice choice, int threads, Goal[] goals) {
    return Row.of(name, title, new GetWork(choice, threads), Metric.rate(goals)).after(load);
  }

  private static Goal[] gets() {
    return new Goal[] {best(2), new Goal.Other("rocksdb", 5), chronicle(1)};
  }

  private static void addDurable(List<Row> rows) {
    rows.add(
        Row.of(
                "raw-append",
                "append and fdatasync, zero-filled blocks",
                new RawAppendWork(),
                Metric.rate(),
                Metric.of("growingRate", "growing file", Unit.PER_SECOND))
            .by(By.MACHINE));
    Goal raw = new Goal.Row("raw-append", "rate", 0.9, "raw append");
    rows.add(durable("durable-1", "durable put, 1 thread", 1, false, raw));
    rows.add(durable("durable-8", "durable put, 8 threads", 8, false, best(2)));
    rows.add(durable("durable-64", "durable put, 64 threads", 64, false, best(1.5)));
    rows.add(durable("durable-512", "durable put, 512 threads", 512, false));
    // A native call holds the carrier of a virtual thread, so the fair measure is the best way that
    // the
    // others offer to 64 writers.
    Goal others = new Goal.BestOf("durable-64", 5, "64 threads of the best");
    rows.add(durable("durable-64v", "durable put, 64 virtual threads", 64, true, others));
    rows.add(durable("durable-512v", "durable put, 512 virtual threads", 512, true));
    rows.add(
        Row.of(
                "durable-64f",
                "durable put, 64 futures in flight",
                new DurableFuturesWork(64),
                Metric.rate(others))
            .by(By.KVSTORE));
  }

  private static Row durable(
      String name, String title, int threads, boolean virtual, Goal... goals) {
    return Row.of(name, title, new DurablePutWork(threads, virtual), Metric.rate(goals));
  }

  private static void addValueSizes(List<Row> rows) {
    rows.add(
        Row.of(
                "raw-write",
                "sequential write of 1 MiB each, fdatasync at the end",
                new RawWriteWork(RAW_BYTES),
                Metric.of("bandwidth", "new file", Unit.BYTES_PER_SECOND),
                Metric.of("overwriteBandwidth", "over an old file", Unit.BYTES_PER_SECOND),
                Metric.of("copyBandwidth", "file copy", Unit.BYTES_PER_SECOND))
            .by(By.MACHINE));
    rows.add(
        Row.of(
                "raw-read",
                "random read of 128 B, mapped file",
                new RawReadWork(RAW_BYTES),
                Metric.rate(),
                Metric.of("coldBandwidth", "in order, cold", Unit.BYTES_PER_SECOND),
                Metric.of("warmBandwidth", "in order, warm", Unit.BYTES_PER_SECOND))
            .by(By.MACHINE));
    addValues(rows, "1k", 1000 * 1000, 1 << 10);
    addValues(rows, "16k", 1 << 16, 16 << 10);
    rows.add(
        Row.of(
                "write-16k",
                "write of 16 KiB values, sync at the end",
                new WriteAllWork(),
                Metric.of(
                    "bandwidth",
                    "",
                    Unit.BYTES_PER_SECOND,
                    new Goal.Row("raw-write", "bandwidth", 0.8, "raw write")))
            .by(By.KVSTORE)
            .shape(1 << 16, 0, 16 << 10));
  }

  private static void addValues(List<Row> rows, String size, long keysMax, int bytes) {
    String values = ", values of " + (bytes >> 10) + " KiB";
    Metric bandwidth = Metric.of("bandwidth", "bandwidth", Unit.BYTES_PER_SECOND);
    Row load =
        Row.of("load-" + size, "load" + values, new LoadWork(1, 1), Metric.rate(best(2)), bandwidth)
            .shape(keysMax, 0, bytes);
    rows.add(load);
    rows.add(
        Row.of(
                "get-" + size,
                "get" + values,
                new GetWork(GetWork.Choice.UNIFORM, 1),
                Metric.rate(best(1.3)),
                bandwidth)
            .after(load));
    rows.add(
        Row.of(
                "overwrite-" + size,
                "overwrite" + values,
                new OverwriteWork(),
                Metric.rate(),
                bandwidth)
            .after(load));
  }

  private static void addOpen(List<Row> rows) {
    Row kill = Row.preparation("kill", new KillWork());
    rows.add(kill);
    rows.add(
        Row.of(
                "reopen-killed",
                "open after kill -9",
                new ReopenWork(),
                Metric.of(
                    "millis", "to first get", Unit.MILLIS, new Goal.AtMost(1000), chronicle(2)),
                Metric.of("peakBytes", "memory", Unit.BYTES),
                Metric.of("heapPeakBytes", "heap", Unit.BYTES))
            .after(kill));
  }

  private static void addMemory(List<Row> rows) {
    for (int size : new int[] {8, 16, 64, 256}) {
      Row fill = Row.preparation("fill-" + size, new LoadWork(1, 1)).shape(0, size, 0).justOnce();
      rows.add(fill);
      rows.add(
          Row.of(
                  "bytes-" + size,
                  "memory, keys of " + size + " B",
                  new MemoryWork(),
                  Metric.of("indexBytesPerKey", "index", Unit.BYTES_PER_KEY, new Goal.AtMost(16))
                      .notCompared(),
                  Metric.of("anonBytesPerKey", "all off-heap", Unit.BYTES_PER_KEY),
                  Metric.of("diskBytesPerKey", "disk", Unit.BYTES_PER_KEY),
                  Metric.of("heapBytes", "heap", Unit.BYTES, new Goal.AtMost(64 << 20)))
              .after(fill)
              .justOnce()
              .flags("-XX:+AlwaysPreTouch"));
    }
  }

  private static void addYcsb(List<Row> rows) {
    // D inserts.
    Row load = Row.preparation("ycsb-load", new LoadWork(1, 1)).room(2);
    rows.add(load);
    for (YcsbWork.Workload workload :
        List.of(
            YcsbWork.Workload.C,
            YcsbWork.Workload.B,
            YcsbWork.Workload.A,
            YcsbWork.Workload.F,
            YcsbWork.Workload.D)) {
      Goal[] goals =
          workload == YcsbWork.Workload.F
              ? new Goal[] {best(2)}
              : new Goal[] {best(2), chronicle(0.8)};
      for (int threads = 1; threads <= 2; threads++) {
        rows.add(
            Row.of(
                    "ycsb-" + workload.name().toLowerCase(Locale.ROOT) + (threads == 1 ? "" : "-2"),
                    "YCSB " + workload + ", " + threads + (threads == 1 ? " thread" : " threads"),
                    new YcsbWork(workload, threads),
                    Metric.rate(goals))
                .after(load));
      }
    }
  }

  private static void addGrowth(List<Row> rows) {
    Metric heap = Metric.of("heapBytes", "heap", Unit.BYTES, new Goal.AtMost(64 << 20));
    rows.add(
        Row.of(
                "index-growth",
                "a tenth to all keys",
                new IndexGrowthWork(),
                Metric.of(
                    "growingBytesPerKey",
                    "index, worst moment growing",
                    Unit.BYTES_PER_KEY,
                    new Goal.AtMost(16)),
                Metric.of(
                    "shrinkingBytesPerKey",
                    "index, worst moment shrinking",
                    Unit.BYTES_PER_KEY,
                    new Goal.AtMost(16)),
                Metric.of("longestPutMillis", "longest put", Unit.MILLIS),
                Metric.of("p9999Nanos", "p99.99 of puts", Unit.NANOS),
                heap)
            .by(By.KVSTORE)
            .shape(0, 0, SMALL_VALUE_BYTES)
            .justOnce());
    Goal twice = new Goal.AtMost(2);
    rows.add(
        Row.of(
                "growth",
                "growth by a factor of 100",
                new GrowthWork(),
                Metric.of("getNanos", "get at the end", Unit.NANOS),
                Metric.of("putNanos", "put at the end", Unit.NANOS),
                Metric.of("missNanos", "miss at the end", Unit.NANOS),
                Metric.of("getNanosTimes", "get, of the begin", Unit.TIMES, twice),
                Metric.of("putNanosTimes", "put, of the begin", Unit.TIMES, twice),
                Metric.of("missNanosTimes", "miss, of the begin", Unit.TIMES, twice))
            .shape(0, 0, SMALL_VALUE_BYTES)
            .justOnce());
    addLarge(rows, "", 0);
    addLarge(rows, "-1k", 1 << 10);
  }

  /// Data four times as large as the memory, if enough keys are asked for.
  private static void addLarge(List<Row> rows, String suffix, int valueBytes) {
    Row load = Row.preparation("large-load" + suffix, new LoadWork(1, 1)).shape(0, 0, valueBytes);
    rows.add(load);
    Choice uniform = Choice.GET_UNIFORM;
    Choice overwrite = Choice.OVERWRITE;
    rows.add(large(load, "get", "get", new LargeWork(uniform, 1, 1)));
    rows.add(large(load, "get-zipf", "get, zipfian", new LargeWork(Choice.GET_ZIPFIAN, 1, 1)));
    rows.add(
        large(load, "get-all", "get of " + ALL + " in one call", new LargeWork(uniform, 1, ALL)));
    rows.add(large(load, "overwrite", "overwrite", new LargeWork(overwrite, 1, 1)));
    rows.add(large(load, "overwrite-8", "overwrite, 8 threads", new LargeWork(overwrite, 8, 1)));
    rows.add(
        large(
            load,
            "overwrite-batch",
            "overwrite, " + BATCH + " per batch",
            new LargeWork(overwrite, 1, BATCH)));
  }

  private static Row large(Row load, String name, String title, LargeWork work) {
    String words =
        "4 times the memory" + (load.shape().valueBytes() == 0 ? "" : ", values of 1 KiB");
    return Row.of(
            load.name().replace("load", name),
            words + ": " + title,
            work,
            Metric.rate(new Goal.Other("rocksdb", 1)))
        .after(load)
        .inMemoryOf(4, "-Xms128m", "-Xmx128m", "-Xmn32m", "-XX:+UseSerialGC");
  }

  private static Goal best(double times) {
    return new Goal.Best(times);
  }

  private static Goal chronicle(double times) {
    return new Goal.Other("chronicle", times);
  }
}

package dev.kvstore.bench;

import dev.kvstore.bench.plot.BarChart;
import dev.kvstore.bench.plot.DotChart;
import dev.kvstore.bench.plot.LineChart;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/// Results as pictures. What was not measured has none.
final class Charts {
  private static final String OURS = "#e0533d";
  private static final String BEST = "#3b8fd0";
  private static final String NAMED = "#c79a30";
  private static final String SHARED = "#a0629f";
  private static final List<String> OTHERS =
      List.of(
          "#c77b30", "#3f9f5f", "#3b8fd0", "#8a8a2f", "#3b9aa5", "#b35a7a", "#7a7acb", "#9a6f45",
          "#6f9f3f", "#a0629f", "#8f8f8f");
  private static final List<String> LATENCY_ROWS =
      List.of("get", "miss", "load", "overwrite", "durable-1", "durable-64", "ycsb-a-2");
  private static final List<String> PERCENTILES = List.of("p50Nanos", "p99Nanos", "p999Nanos");

  private final Results results;

  Charts(Results results) {
    this.results = results;
  }

  /// Writes them into a directory.
  ///
  /// @return their files
  List<Path> write(Path directory) throws IOException {
    Files.createDirectories(directory);
    List<Path> files = new ArrayList<>();
    for (Map.Entry<String, String> chart : all().entrySet()) {
      files.add(Files.writeString(directory.resolve(chart.getKey() + ".svg"), chart.getValue()));
    }
    return files;
  }

  /// Each with its name.
  Map<String, String> all() {
    Map<String, String> charts = new TreeMap<>();
    panels("rate", "Operations per second", "longer is better")
        .ifPresent(chart -> charts.put("throughput", chart.svg()));
    panels("millis", "Time to open, files in the page cache", "shorter is better")
        .ifPresent(chart -> charts.put("open", chart.svg()));
    panels("anonBytesPerKey", "Memory outside the Java heap for each key", "shorter is better")
        .ifPresent(chart -> charts.put("memory", chart.svg()));
    ratios().ifPresent(chart -> charts.put("ratios", chart.svg()));
    latencies().ifPresent(chart -> charts.put("latency", chart.svg()));
    growth("getNanos", "a get").ifPresent(chart -> charts.put("growth-get", chart.svg()));
    growth("putNanos", "a put").ifPresent(chart -> charts.put("growth-put", chart.svg()));
    indexGrowth().ifPresent(chart -> charts.put("index-growth", chart.svg()));
    return charts;
  }

  private static String color(PeerKind peer) {
    return peer == PeerKind.KVSTORE ? OURS : OTHERS.get((peer.ordinal() - 1) % OTHERS.size());
  }

  private static String data(Data scale, String more) {
    return String.format(
        Locale.ROOT,
        "%,d keys of %d B, values of %d B%s",
        scale.keys(),
        scale.keyBytes(),
        scale.valueBytes(),
        more);
  }

  /// Rows of all stores that report a number of this name.
  private static List<Row> rows(String key) {
    return Rows.all().stream()
        .filter(row -> row.by() == Row.By.EVERY_STORE && metric(row, key).isPresent())
        .toList();
  }

  private static Optional<Metric> metric(Row row, String key) {
    return row.metrics().stream().filter(metric -> metric.key().equals(key)).findFirst();
  }

  /// Of the data that were asked for, those with the most of these rows.
  private Optional<Data> scale(List<Row> rows) {
    return results.scales().stream()
        .filter(scale -> measured(scale, rows) > 0)
        .max(Comparator.comparingLong(scale -> measured(scale, rows)));
  }

  private long measured(Data scale, List<Row> rows) {
    return results.rows(scale).stream().filter(rows::contains).count();
  }

  /// A small chart for each row that at least two stores did.
  private Optional<BarChart> panels(String key, String title, String more) {
    List<Row> rows = rows(key);
    Optional<Data> scale = scale(rows);
    if (scale.isEmpty()) {
      return Optional.empty();
    }
    List<BarChart.Panel> panels = new ArrayList<>();
    for (Row row : rows) {
      Metric metric = metric(row, key).orElseThrow();
      List<BarChart.Bar> bars =
          results.peers(scale.get()).stream()
              .flatMap(peer -> bar(scale.get(), row, metric, peer).stream())
              .toList();
      if (bars.size() > 1) {
        panels.add(new BarChart.Panel(row.title(), bars));
      }
    }
    return panels.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new BarChart(title, data(scale.get(), ", unless said; medians; " + more), panels));
  }

  private Optional<BarChart.Bar> bar(Data scale, Row row, Metric metric, PeerKind peer) {
    OptionalDouble median = results.series(scale, row.name(), peer.word(), metric.key()).median();
    return median.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new BarChart.Bar(
                peer.title(),
                median.getAsDouble(),
                metric.unit().text(median.getAsDouble()),
                color(peer),
                peer == PeerKind.KVSTORE));
  }

  private Optional<DotChart> ratios() {
    List<Row> rows = Stream.concat(rows("rate").stream(), rows("millis").stream()).toList();
    Optional<Data> scale = scale(rows);
    if (scale.isEmpty()) {
      return Optional.empty();
    }
    List<DotChart.Line> lines = new ArrayList<>();
    for (Row row : results.rows(scale.get())) {
      if (rows.contains(row)) {
        Metric metric = metric(row, "rate").or(() -> metric(row, "millis")).orElseThrow();
        List<DotChart.Dot> dots = ratios(scale.get(), row, metric);
        if (!dots.isEmpty()) {
          lines.add(new DotChart.Line(row.title(), OURS, false, false, false, dots));
        }
      }
    }
    return lines.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new DotChart(
                "How many times better KvStore is",
                data(scale.get(), ", unless said; medians of the ratios of single rounds"),
                "times; right of the line KvStore is ahead",
                value -> number(value) + "x",
                OptionalDouble.of(1),
                List.of(
                    new DotChart.Key("the best durable peer", BEST),
                    new DotChart.Key("RocksDB", NAMED),
                    new DotChart.Key("Chronicle Map, which is not durable", SHARED)),
                lines));
  }

  private List<DotChart.Dot> ratios(Data scale, Row row, Metric metric) {
    List<DotChart.Dot> dots = new ArrayList<>();
    for (PeerKind peer : results.peers(scale)) {
      if (peer == PeerKind.ROCKSDB) {
        dot(dots, scale, row, metric, peer, NAMED);
      } else if (peer.peerClass() == PeerClass.SHARED_MEMORY) {
        dot(dots, scale, row, metric, peer, SHARED);
      }
    }
    results.best(scale, row, metric).ifPresent(peer -> dot(dots, scale, row, metric, peer, BEST));
    return dots;
  }

  private void dot(
      List<DotChart.Dot> dots, Data scale, Row row, Metric metric, PeerKind peer, String color) {
    results
        .ours(scale, row, metric)
        .timesBetter(results.series(scale, row.name(), peer.word(), metric.key()), metric.unit())
        .median()
        .ifPresent(ratio -> dots.add(new DotChart.Dot(ratio, color)));
  }

  private Optional<DotChart> latencies() {
    List<Row> rows = LATENCY_ROWS.stream().map(Rows::named).toList();
    Optional<Data> scale = scale(rows);
    List<DotChart.Line> lines = new ArrayList<>();
    for (Row row : rows) {
      List<DotChart.Line> ofRow =
          scale.stream()
              .flatMap(keys ->
                  results.peers(keys).stream()
                      .flatMap(peer -> percentiles(keys, row, peer).stream()))
              .sorted(Comparator.comparingDouble(line -> line.dots().getFirst().value()))
              .toList();
      if (!ofRow.isEmpty()) {
        lines.add(new DotChart.Line(row.title(), OURS, false, true, false, List.of()));
        lines.addAll(ofRow);
      }
    }
    return lines.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new DotChart(
                "Latency: median, 99 % and 99.9 % of calls",
                data(scale.orElseThrow(), "; medians of rounds"),
                "microseconds; left is better",
                Charts::number,
                OptionalDouble.empty(),
                List.of(),
                lines));
  }

  private Optional<DotChart.Line> percentiles(Data scale, Row row, PeerKind peer) {
    List<DotChart.Dot> dots = new ArrayList<>();
    for (String percentile : PERCENTILES) {
      results
          .series(scale, row.name(), peer.word(), percentile)
          .median()
          .ifPresent(nanos -> dots.add(new DotChart.Dot(nanos / 1e3, color(peer))));
    }
    return dots.size() < PERCENTILES.size()
        ? Optional.empty()
        : Optional.of(
            new DotChart.Line(
                peer.title(), color(peer), peer == PeerKind.KVSTORE, false, true, dots));
  }

  private Optional<LineChart> growth(String key, String what) {
    Map<String, List<double[]>> curves =
        curves("growth", line -> Results.text(line, "peer"), line -> Results.number(line, key));
    List<LineChart.Curve> all = new ArrayList<>();
    for (PeerKind peer : PeerKind.values()) {
      List<double[]> points = curves.get(peer.word());
      if (points != null) {
        all.add(
            new LineChart.Curve(peer.title(), color(peer), peer == PeerKind.KVSTORE, true, points));
      }
    }
    return all.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new LineChart(
                "Time of " + what + " while the store grows",
                "keys of 16 B in random order, values of 16 B, one thread, relaxed",
                new LineChart.Scale("keys in the store", false, Charts::number),
                new LineChart.Scale("nanoseconds", false, Charts::number),
                OptionalDouble.empty(),
                all));
  }

  private Optional<LineChart> indexGrowth() {
    Map<String, List<double[]>> curves =
        curves(
            "index-growth",
            line -> Results.text(line, "direction"),
            line -> Results.number(line, "indexBytesPerKey"));
    List<LineChart.Curve> all = new ArrayList<>();
    curves.forEach((direction, points) ->
        all.add(
            new LineChart.Curve(
                direction, direction.equals("growing") ? OURS : BEST, true, false, points)));
    return all.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new LineChart(
                "Memory of KvStore's index",
                "all of it counted, outside the Java heap; looked at every hundredth of growth",
                new LineChart.Scale("keys in the store", false, Charts::number),
                new LineChart.Scale("bytes for each key", true, Charts::number),
                OptionalDouble.of(16),
                all));
  }

  /// Points with the most keys by what they belong to; of two at the same place the later counts.
  private Map<String, List<double[]>> curves(
      String row,
      Function<Map<String, Object>, String> curve,
      ToDoubleFunction<Map<String, Object>> value) {
    List<Map<String, Object>> points = results.points(row);
    double largest =
        points.stream().mapToDouble(line -> Results.number(line, "scaleKeys")).max().orElse(0);
    Map<String, Map<Double, double[]>> byPlace = new LinkedHashMap<>();
    for (Map<String, Object> line : points) {
      if (Results.number(line, "scaleKeys") == largest) {
        double at = Results.number(line, Results.POINT);
        byPlace
            .computeIfAbsent(curve.apply(line), name -> new TreeMap<>())
            .put(at, new double[] {at, value.applyAsDouble(line)});
      }
    }
    Map<String, List<double[]>> curves = new LinkedHashMap<>();
    byPlace.forEach((name, places) -> curves.put(name, List.copyOf(places.values())));
    return curves;
  }

  /// Short: 0.002, 0.5, 20, 1 k, 100 M.
  static String number(double value) {
    if (value >= 1e6) {
      return number(value / 1e6) + " M";
    }
    if (value >= 1e3) {
      return number(value / 1e3) + " k";
    }
    return new BigDecimal(value).round(new MathContext(3)).stripTrailingZeros().toPlainString();
  }
}

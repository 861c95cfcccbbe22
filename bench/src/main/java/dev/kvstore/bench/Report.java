package dev.kvstore.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/// The results as Markdown: medians, and how many times better this store is than each other one.
///
/// A ratio is the median of the ratios of single rounds, because two runs of the same minute are
/// more alike than two medians.
final class Report {
  private final Plan plan;
  private final Map<String, String> machine;
  private final List<Map<String, Object>> results;

  Report(Plan plan, Map<String, String> machine, List<Map<String, Object>> results) {
    this.plan = plan;
    this.machine = machine;
    this.results = results;
  }

  String markdown() {
    Data data = plan.data();
    StringBuilder out = new StringBuilder();
    out.append(
        "%,d keys of %d B, values of %d B; %d rounds of %s s%n%n"
            .formatted(
                data.keys(), data.keyBytes(), data.valueBytes(), plan.rounds(), plan.seconds()));
    machine.forEach((name, text) -> out.append("- %s: %s%n".formatted(name, text)));
    out.append('\n');
    rates(out);
    out.append("\nLatency in microseconds: median / 99 % / 99.9 %\n\n");
    latencies(out);
    out.append("\nSettings\n\n");
    settings(out);
    return out.toString();
  }

  private List<PeerKind> others() {
    return plan.peers().contains(PeerKind.KVSTORE)
        ? plan.peers().stream().filter(peer -> peer != PeerKind.KVSTORE).toList()
        : List.of();
  }

  private void rates(StringBuilder out) {
    line(
        out,
        "work",
        plan.peers().stream().map(PeerKind::title),
        others().stream().map(peer -> "times " + peer.title()));
    line(
        out,
        "---",
        plan.peers().stream().map(peer -> "---:"),
        others().stream().map(peer -> "---:"));
    for (Row row : plan.rows()) {
      for (Row.Metric metric : row.metrics()) {
        line(
            out,
            row.title() + (row.metrics().size() > 1 ? ", " + metric.key() : ""),
            plan.peers().stream().map(peer -> cell(row, metric, peer)),
            others().stream().map(peer -> ratio(row, metric, peer)));
      }
    }
  }

  private String cell(Row row, Row.Metric metric, PeerKind peer) {
    OptionalDouble median = median(values(row, peer, metric.key()));
    if (median.isEmpty()) {
      return "-";
    }
    double value = median.getAsDouble();
    return switch (metric.unit()) {
      case PER_SECOND ->
          value >= 1e6 ? text("%.2f M/s", value / 1e6) : text("%.1f k/s", value / 1e3);
      case MILLIS -> text("%.0f ms", value);
      case BYTES_PER_KEY -> text("%.1f B", value);
    };
  }

  private String ratio(Row row, Row.Metric metric, PeerKind other) {
    double[] ours = values(row, PeerKind.KVSTORE, metric.key());
    double[] theirs = values(row, other, metric.key());
    double[] ratios = new double[Math.min(ours.length, theirs.length)];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = metric.unit().higherIsBetter() ? ours[i] / theirs[i] : theirs[i] / ours[i];
    }
    OptionalDouble median = median(ratios);
    return median.isEmpty() ? "-" : text("%.1f", median.getAsDouble());
  }

  private void latencies(StringBuilder out) {
    line(out, "work", plan.peers().stream().map(PeerKind::title), Stream.of());
    line(out, "---", plan.peers().stream().map(peer -> "---:"), Stream.of());
    for (Row row : plan.rows()) {
      if (row.metrics().stream().anyMatch(metric -> metric.unit() == Row.Unit.PER_SECOND)) {
        line(
            out,
            row.title(),
            plan.peers().stream()
                .map(peer ->
                    Stream.of("p50Nanos", "p99Nanos", "p999Nanos")
                        .map(key -> median(values(row, peer, key)))
                        .map(nanos -> nanos.isEmpty() ? "-" : micros(nanos.getAsDouble()))
                        .collect(Collectors.joining(" / "))),
            Stream.of());
      }
    }
  }

  private void settings(StringBuilder out) {
    for (PeerKind peer : plan.peers()) {
      results.stream()
          .filter(result -> peer.word().equals(result.get("peer")))
          .map(result -> result.getOrDefault("settings", "").toString())
          .distinct()
          .forEach(text -> out.append("- %s: %s%n".formatted(peer.title(), text)));
    }
  }

  /// The numbers of a row and peer, in the order of rounds.
  private double[] values(Row row, PeerKind peer, String key) {
    return results.stream()
        .filter(result -> row.name().equals(result.get("row")))
        .filter(result -> peer.word().equals(result.get("peer")))
        .map(result -> result.get(key))
        .flatMapToDouble(
            value -> value instanceof Double number ? DoubleStream.of(number) : DoubleStream.of())
        .toArray();
  }

  private static OptionalDouble median(double[] values) {
    if (values.length == 0) {
      return OptionalDouble.empty();
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return OptionalDouble.of(sorted[sorted.length / 2]);
  }

  private static String micros(double nanos) {
    return text(nanos < 10_000 ? "%.2f" : "%.0f", nanos / 1e3);
  }

  private static String text(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  private static void line(
      StringBuilder out, String first, Stream<String> cells, Stream<String> more) {
    out.append(
        Stream.of(Stream.of(first), cells, more)
            .flatMap(Function.identity())
            .collect(Collectors.joining(" | ", "| ", " |\n")));
  }
}

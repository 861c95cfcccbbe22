package dev.kvstore.bench;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Results as Markdown: medians, how many times better this store is than others, and the goals.
///
/// A ratio is the median of the ratios of single rounds. What was measured with other data than the
/// rest has a section of its own.
final class Report {
  private static final List<String> RUN_FIELDS =
      List.of("run", "arguments", "rounds", "seconds", "end");

  /// Behind the name of a store that makes its relaxed rows look better than they are.
  private static final String MARK = "*";

  private final Results results;
  private final StringBuilder out = new StringBuilder();

  Report(Results results) {
    this.results = results;
  }

  String markdown() {
    out.setLength(0);
    machine();
    for (Data scale : results.scales()) {
      out.append(
          "\n### %,d keys of %d B, values of %d B\n"
              .formatted(scale.keys(), scale.keyBytes(), scale.valueBytes()));
      goals(scale);
      peers(scale);
      latencies(scale);
      out.append(
          "\n%s relaxed, it does not survive the death of the process; see Settings\n"
              .formatted("\\" + MARK));
      missing(scale);
    }
    settings();
    return out.toString();
  }

  private void machine() {
    Map<String, Object> last = results.runs().isEmpty() ? Map.of() : results.runs().getLast();
    last.forEach((name, text) -> {
      if (!RUN_FIELDS.contains(name) && !name.equals("load") && !name.equals("commit")) {
        out.append("- %s: %s\n".formatted(name, text));
      }
    });
    out.append("- commit: %s\n".formatted(distinct("commit")));
    List<String> loads =
        Stream.concat(results.runs().stream(), results.ends().stream())
            .map(line -> String.valueOf(line.get("load")))
            .toList();
    out.append(
        "- load average when the runs began and ended: %s\n".formatted(String.join(", ", loads)));
    out.append(
        "- rounds: %s; seconds for what has no end of its own: %s\n"
            .formatted(distinct("rounds"), distinct("seconds")));
  }

  private String distinct(String name) {
    return results.runs().stream()
        .map(run -> run.get(name))
        .map(value -> value instanceof Double number ? text("%s", number) : String.valueOf(value))
        .distinct()
        .collect(Collectors.joining(", "));
  }

  /// What the goals ask for: this store, the best durable peer, and the two that goals name.
  private void goals(Data scale) {
    List<PeerKind> named =
        results.peers(scale).stream()
            .filter(peer -> peer == PeerKind.ROCKSDB || peer.peerClass() == PeerClass.SHARED_MEMORY)
            .toList();
    out.append('\n');
    line(
        Stream.of("work", "KvStore", "best durable peer", "times best (rounds)"),
        named.stream().map(peer -> "times " + peer.title()),
        Stream.of("goal", "reached"));
    line(
        Stream.of("---", "---:", "---:", "---:"),
        named.stream().map(peer -> "---:"),
        Stream.of("---", "---"));
    for (Row row : results.rows(scale)) {
      for (Metric metric : row.metrics()) {
        goals(scale, row, metric, named);
      }
    }
  }

  private void goals(Data scale, Row row, Metric metric, List<PeerKind> named) {
    Series ours = results.ours(scale, row, metric);
    Optional<PeerKind> best = results.best(scale, row, metric);
    if (ours.isEmpty() && best.isEmpty()) {
      return;
    }
    List<Verdict> verdicts = new ArrayList<>();
    for (Goal goal : metric.goals()) {
      verdicts.add(Verdict.of(results, scale, row, metric, goal));
    }
    line(
        Stream.of(
            title(row, metric),
            row.by() == Row.By.MACHINE ? cell(ours, metric) + " (machine)" : cell(ours, metric),
            best.map(peer -> cell(scale, row, metric, peer) + " " + title(peer)).orElse("-"),
            best.map(peer -> spread(ratio(scale, row, metric, peer))).orElse("-")),
        named.stream().map(peer -> times(ratio(scale, row, metric, peer))),
        Stream.of(
            join(
                verdicts,
                verdict ->
                    verdict.goal()
                        + (isRatio(verdict)
                            ? text(" (%.2f)", verdict.measured().getAsDouble())
                            : "")),
            join(verdicts, Verdict::answer)));
  }

  private static boolean isRatio(Verdict verdict) {
    return verdict.measured().isPresent() && verdict.goal().contains(" x ");
  }

  private static String join(List<Verdict> verdicts, Function<Verdict, String> text) {
    return verdicts.stream().map(text).collect(Collectors.joining("; "));
  }

  /// Every store, every number.
  private void peers(Data scale) {
    List<PeerKind> peers = results.peers(scale);
    if (peers.size() < 2) {
      return;
    }
    out.append("\nAll stores\n\n");
    line(Stream.of("work"), peers.stream().map(Report::title), Stream.of());
    line(Stream.of("---"), peers.stream().map(peer -> "---:"), Stream.of());
    for (Row row : results.rows(scale)) {
      if (row.by() == Row.By.EVERY_STORE) {
        for (Metric metric : row.metrics()) {
          List<String> cells = peers.stream().map(peer -> cell(scale, row, metric, peer)).toList();
          if (!cells.stream().allMatch("-"::equals)) {
            line(Stream.of(title(row, metric)), cells.stream(), Stream.of());
          }
        }
      }
    }
  }

  private void latencies(Data scale) {
    List<PeerKind> peers = results.peers(scale);
    out.append("\nLatency in microseconds: median / 99 % / 99.9 % / longest of those sampled\n\n");
    line(Stream.of("work"), peers.stream().map(Report::title), Stream.of());
    line(Stream.of("---"), peers.stream().map(peer -> "---:"), Stream.of());
    for (Row row : results.rows(scale)) {
      List<String> cells = peers.stream().map(peer -> latency(scale, row, peer)).toList();
      if (!cells.stream().allMatch("-"::equals)) {
        line(Stream.of(row.title()), cells.stream(), Stream.of());
      }
    }
  }

  private String latency(Data scale, Row row, PeerKind peer) {
    List<OptionalDouble> nanos =
        Stream.of("p50Nanos", "p99Nanos", "p999Nanos", "maxNanos")
            .map(key -> results.series(scale, row.name(), peer.word(), key).median())
            .toList();
    return nanos.stream().anyMatch(OptionalDouble::isEmpty)
        ? "-"
        : nanos.stream()
            .map(value ->
                text(value.getAsDouble() < 10_000 ? "%.2f" : "%.0f", value.getAsDouble() / 1e3))
            .collect(Collectors.joining(" / "));
  }

  /// Why there is a "-".
  private void missing(Data scale) {
    List<String> reasons = new ArrayList<>();
    for (Row row : Rows.all()) {
      for (PeerKind peer : PeerKind.values()) {
        for (String field : List.of(Fork.REASON, Stage.NOTE)) {
          for (String words : results.words(scale, row.name(), peer.word(), field)) {
            reasons.add("- %s, %s: %s\n".formatted(peer.title(), row.name(), words));
          }
        }
      }
    }
    if (!reasons.isEmpty()) {
      out.append("\nNot measured\n\n");
      reasons.forEach(out::append);
    }
  }

  private void settings() {
    out.append("\n### Settings\n\n");
    for (PeerKind peer : PeerKind.values()) {
      for (String text : results.words(peer.word(), "settings")) {
        out.append("- %s: %s\n".formatted(peer.title(), text));
      }
    }
  }

  private static String title(PeerKind peer) {
    return peer.promises(EnumSet.of(Promise.SURVIVES_KILL)) ? peer.title() : peer.title() + MARK;
  }

  private static String title(Row row, Metric metric) {
    return metric.title().isEmpty() ? row.title() : row.title() + ": " + metric.title();
  }

  private String cell(Data scale, Row row, Metric metric, PeerKind peer) {
    return cell(results.series(scale, row.name(), peer.word(), metric.key()), metric);
  }

  private static String cell(Series series, Metric metric) {
    OptionalDouble median = series.median();
    return median.isEmpty() ? "-" : metric.unit().text(median.getAsDouble());
  }

  private Series ratio(Data scale, Row row, Metric metric, PeerKind other) {
    if (!metric.compared()) {
      return Series.NONE;
    }
    Series theirs = results.series(scale, row.name(), other.word(), metric.key());
    return results.ours(scale, row, metric).timesBetter(theirs, metric.unit());
  }

  private static String times(Series ratio) {
    OptionalDouble median = ratio.median();
    return median.isEmpty() ? "-" : text("%.1f", median.getAsDouble());
  }

  private static String spread(Series ratio) {
    if (ratio.byRound().size() < 2) {
      return times(ratio);
    }
    return times(ratio)
        + text(" (%.1f", ratio.least().getAsDouble())
        + text(" to %.1f)", ratio.most().getAsDouble());
  }

  private static String text(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  private void line(Stream<String> first, Stream<String> second, Stream<String> third) {
    out.append(
        Stream.of(first, second, third)
            .flatMap(Function.identity())
            .collect(Collectors.joining(" | ", "| ", " |\n")));
  }
}

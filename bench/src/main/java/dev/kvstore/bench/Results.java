package dev.kvstore.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// What the lines of a file say. Of two results for the same thing the later one counts.
final class Results {
  /// Field of a line that is one point of a curve and not the result of a row.
  static final String POINT = "point";

  static final Results NONE = new Results(List.of());

  private record Key(String row, String who, Data scale) {}

  private final List<Map<String, Object>> runs = new ArrayList<>();
  private final List<Map<String, Object>> ends = new ArrayList<>();
  private final List<Map<String, Object>> points = new ArrayList<>();
  private final Map<Key, Map<Integer, Map<String, Object>>> results = new LinkedHashMap<>();

  Results(List<Map<String, Object>> lines) {
    for (Map<String, Object> line : lines) {
      if (line.containsKey("run")) {
        runs.add(line);
      } else if (line.containsKey("end")) {
        ends.add(line);
      } else if (line.containsKey(POINT)) {
        points.add(line);
      } else {
        results.computeIfAbsent(key(line), key -> new TreeMap<>()).put(round(line), line);
      }
    }
  }

  static Results read(Path file) throws IOException {
    return new Results(JsonLines.read(file));
  }

  private static Key key(Map<String, Object> line) {
    return new Key(text(line, "row"), text(line, "peer"), scale(line));
  }

  private static int round(Map<String, Object> line) {
    return (int) number(line, "round");
  }

  /// The data that were asked for.
  static Data scale(Map<String, Object> line) {
    return new Data(
        (long) number(line, "scaleKeys"),
        (int) number(line, "scaleKeyBytes"),
        (int) number(line, "scaleValueBytes"));
  }

  static double number(Map<String, Object> line, String name) {
    if (line.get(name) instanceof Double number) {
      return number;
    }
    throw new IllegalArgumentException("no number " + name + " in " + line);
  }

  static String text(Map<String, Object> line, String name) {
    if (line.get(name) instanceof String text) {
      return text;
    }
    throw new IllegalArgumentException("no text " + name + " in " + line);
  }

  /// What was asked for and on which machine, once for each time that it was run.
  List<Map<String, Object>> runs() {
    return runs;
  }

  List<Map<String, Object>> ends() {
    return ends;
  }

  /// The points of a curve, in the order in which they were measured.
  List<Map<String, Object>> points(String row) {
    return points.stream().filter(point -> row.equals(point.get("row"))).toList();
  }

  /// Whether there is an answer for a task already, be it that there is none.
  boolean has(Task task) {
    return results
        .getOrDefault(new Key(task.row().name(), task.who(), task.scale()), Map.of())
        .containsKey(task.round());
  }

  /// The data that were asked for, fewest keys first.
  List<Data> scales() {
    return results.keySet().stream()
        .map(Key::scale)
        .distinct()
        .sorted(
            Comparator.comparingLong(Data::keys)
                .thenComparingInt(Data::keyBytes)
                .thenComparingInt(Data::valueBytes))
        .toList();
  }

  /// The stores that were measured.
  List<PeerKind> peers(Data scale) {
    return Arrays.stream(PeerKind.values())
        .filter(peer ->
            results.keySet().stream()
                .anyMatch(key -> key.scale.equals(scale) && key.who.equals(peer.word())))
        .toList();
  }

  /// The rows that were measured, in their order; without those that only prepare.
  List<Row> rows(Data scale) {
    return Rows.all().stream()
        .filter(row -> !row.onlyPrepares())
        .filter(row ->
            results.keySet().stream()
                .anyMatch(key -> key.scale.equals(scale) && key.row.equals(row.name())))
        .toList();
  }

  Series series(Data scale, String row, String who, String metric) {
    Map<Integer, Double> byRound = new TreeMap<>();
    results
        .getOrDefault(new Key(row, who, scale), Map.of())
        .forEach((round, line) -> {
          if (line.get(metric) instanceof Double number) {
            byRound.put(round, number);
          }
        });
    return new Series(byRound);
  }

  Series ours(Data scale, Row row, Metric metric) {
    return series(
        scale,
        row.name(),
        row.by() == Row.By.MACHINE ? Task.MACHINE : PeerKind.KVSTORE.word(),
        metric.key());
  }

  /// The durable peer with the best median.
  Optional<PeerKind> best(Data scale, Row row, Metric metric) {
    if (!metric.compared()) {
      return Optional.empty();
    }
    PeerKind best = null;
    double most = 0;
    for (PeerKind peer : peers(scale)) {
      Series series = series(scale, row.name(), peer.word(), metric.key());
      if (peer.peerClass() == PeerClass.DURABLE && series.median().isPresent()) {
        double median = series.median().getAsDouble();
        if (best == null || metric.unit().timesBetter(median, most) > 1) {
          best = peer;
          most = median;
        }
      }
    }
    return Optional.ofNullable(best);
  }

  /// What the lines say in words, each different answer once.
  List<String> words(Data scale, String row, String who, String name) {
    return results.getOrDefault(new Key(row, who, scale), Map.of()).values().stream()
        .map(line -> line.get(name))
        .filter(String.class::isInstance)
        .map(String.class::cast)
        .distinct()
        .toList();
  }

  /// The same over all rows.
  List<String> words(String who, String name) {
    return results.entrySet().stream()
        .filter(entry -> entry.getKey().who.equals(who))
        .flatMap(entry -> entry.getValue().values().stream())
        .map(line -> line.get(name))
        .filter(String.class::isInstance)
        .map(String.class::cast)
        .distinct()
        .toList();
  }
}

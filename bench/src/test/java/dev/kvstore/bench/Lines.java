package dev.kvstore.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Results that nobody measured.
final class Lines {
  private final List<Map<String, Object>> lines = new ArrayList<>();
  private final Data scale;
  private int again;

  Lines(Data scale) {
    this.scale = scale;
  }

  /// One number in rounds 0, 1 and so on.
  Lines add(String row, String who, String metric, double... rounds) {
    for (int round = 0; round < rounds.length; round++) {
      line(row, who, round).put(metric, rounds[round]);
    }
    return this;
  }

  /// What follows was measured later.
  Lines again() {
    again = lines.size();
    return this;
  }

  Lines word(String row, String who, String name, String word) {
    line(row, who, 0).put(name, word);
    return this;
  }

  Lines point(String row, String who, double at, Map<String, ?> more) {
    Map<String, Object> line = heading(row, who, 0);
    line.put(Results.POINT, at);
    line.putAll(more);
    lines.add(line);
    return this;
  }

  Lines run(Map<String, Object> run) {
    lines.add(run);
    return this;
  }

  private Map<String, Object> line(String row, String who, int round) {
    for (Map<String, Object> line : lines.subList(again, lines.size())) {
      if (row.equals(line.get("row"))
          && who.equals(line.get("peer"))
          && line.get("round").equals((double) round)
          && !line.containsKey(Results.POINT)) {
        return line;
      }
    }
    Map<String, Object> line = heading(row, who, round);
    lines.add(line);
    return line;
  }

  private Map<String, Object> heading(String row, String who, int round) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("row", row);
    line.put("peer", who);
    line.put("round", (double) round);
    line.put("scaleKeys", (double) scale.keys());
    line.put("scaleKeyBytes", (double) scale.keyBytes());
    line.put("scaleValueBytes", (double) scale.valueBytes());
    return line;
  }

  Results results() {
    return new Results(lines);
  }
}

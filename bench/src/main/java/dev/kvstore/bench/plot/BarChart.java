package dev.kvstore.bench.plot;

import java.util.List;

/// Small charts beside and below each other, each with a bar for each of its values, longest first.
///
/// @param title above all of them
/// @param subtitle what they have in common, below the title
public record BarChart(String title, String subtitle, List<Panel> panels) {
  /// One small chart.
  public record Panel(String title, List<Bar> bars) {}

  /// @param text the value with its unit
  /// @param strong the one that the picture is about
  public record Bar(String label, double value, String text, String color, boolean strong) {}

  private static final int COLUMNS = 3;
  private static final double PANEL_WIDTH = 314;
  private static final double GAP = 24;
  private static final double BAR_HEIGHT = 13;
  private static final double BAR_STEP = 18;
  private static final double LABEL_WIDTH = 122;
  private static final double VALUE_WIDTH = 70;
  private static final double HEAD = 52;
  private static final double PANEL_HEAD = 26;
  private static final int SMALL = 11;

  public String svg() {
    Svg svg = new Svg();
    int columns = Math.min(COLUMNS, panels.size());
    double width = columns * PANEL_WIDTH + (columns + 1) * GAP;
    width = Math.max(width, Svg.width(subtitle, Svg.TEXT_SIZE) + 2 * GAP);
    svg.text(title, GAP, 24, Svg.Anchor.START, Svg.TITLE_SIZE, Svg.INK, true);
    svg.text(subtitle, GAP, 42, Svg.Anchor.START);
    double y = HEAD;
    for (int first = 0; first < panels.size(); first += columns) {
      List<Panel> row = panels.subList(first, Math.min(first + columns, panels.size()));
      int bars = row.stream().mapToInt(panel -> panel.bars.size()).max().orElse(0);
      for (int column = 0; column < row.size(); column++) {
        draw(svg, row.get(column), GAP + column * (PANEL_WIDTH + GAP), y);
      }
      y += PANEL_HEAD + bars * BAR_STEP + GAP / 2;
    }
    return svg.finish(title, width, y + GAP / 2);
  }

  private static void draw(Svg svg, Panel panel, double x, double y) {
    svg.text(panel.title, x, y + 16, Svg.Anchor.START, Svg.TEXT_SIZE, Svg.INK, true);
    List<Bar> sorted =
        panel.bars.stream().sorted((one, other) -> Double.compare(other.value, one.value)).toList();
    if (sorted.isEmpty()) {
      return;
    }
    double begin = x + LABEL_WIDTH;
    double room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH;
    double longest = Math.max(sorted.getFirst().value, Double.MIN_NORMAL);
    double at = y + PANEL_HEAD;
    for (Bar bar : sorted) {
      double length = Math.max(1, room * bar.value / longest);
      double baseline = at + BAR_HEIGHT - 2.5;
      svg.text(
          bar.label,
          begin - 6,
          baseline,
          Svg.Anchor.END,
          SMALL,
          bar.strong ? bar.color : Svg.INK,
          bar.strong);
      svg.rectangle(begin, at, length, BAR_HEIGHT, bar.color);
      svg.text(
          bar.text,
          begin + length + 5,
          baseline,
          Svg.Anchor.START,
          SMALL,
          bar.strong ? bar.color : Svg.INK,
          bar.strong);
      at += BAR_STEP;
    }
  }
}

package dev.kvstore.bench.plot;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleFunction;

/// Values of things below each other on one logarithmic axis: dots in a line for each of them, joined
/// if they belong together.
///
/// @param subtitle what they have in common, below the title
/// @param axis what the values are, with the unit
/// @param text how a value is written at the axis
/// @param reference a value to compare with
public record DotChart(
    String title,
    String subtitle,
    String axis,
    DoubleFunction<String> text,
    OptionalDouble reference,
    List<Key> keys,
    List<Line> lines) {
  /// Explains a color; none if the lines are named.
  public record Key(String label, String color) {}

  /// @param heading whether it only names the lines below it
  /// @param joined whether the dots are joined
  public record Line(
      String label,
      String color,
      boolean strong,
      boolean heading,
      boolean joined,
      List<Dot> dots) {}

  public record Dot(double value, String color) {}

  private static final double WIDTH = 760;
  private static final double LEFT = 250;
  private static final double RIGHT = 40;
  private static final double TOP = 76;
  private static final double STEP = 20;
  private static final double BOTTOM = 48;

  public String svg() {
    Svg svg = new Svg();
    svg.text(title, 20, 24, Svg.Anchor.START, Svg.TITLE_SIZE, Svg.INK, true);
    svg.text(subtitle, 20, 42, Svg.Anchor.START);
    double x = 20;
    for (Key key : keys) {
      svg.circle(x + 5, 57, 5, key.color);
      svg.text(key.label, x + 15, 61, Svg.Anchor.START);
      x += 36 + Svg.width(key.label, Svg.TEXT_SIZE);
    }
    double bottom = TOP + lines.size() * STEP;
    Axis across = across();
    for (double tick : across.ticks()) {
      svg.gridLine(across.at(tick), TOP, across.at(tick), bottom);
      svg.text(text.apply(tick), across.at(tick), bottom + 18, Svg.Anchor.MIDDLE);
    }
    reference.ifPresent(
        value -> svg.line(across.at(value), TOP, across.at(value), bottom, Svg.INK, 1.5, 1));
    svg.text(axis, (LEFT + WIDTH - RIGHT) / 2, bottom + 40, Svg.Anchor.MIDDLE);
    double y = TOP + STEP / 2;
    for (Line line : lines) {
      draw(svg, line, across, y);
      y += STEP;
    }
    return svg.finish(title, WIDTH, bottom + BOTTOM);
  }

  private Axis across() {
    List<Double> values = new ArrayList<>();
    lines.forEach(line -> line.dots.forEach(dot -> values.add(dot.value)));
    reference.ifPresent(values::add);
    double least = values.stream().mapToDouble(Double::doubleValue).min().orElse(1);
    double most = values.stream().mapToDouble(Double::doubleValue).max().orElse(1);
    return Axis.logarithmic(least, most, LEFT, WIDTH - RIGHT);
  }

  private static void draw(Svg svg, Line line, Axis across, double y) {
    svg.text(
        line.label,
        line.heading ? 20 : LEFT - 12,
        y + 4,
        line.heading ? Svg.Anchor.START : Svg.Anchor.END,
        Svg.TEXT_SIZE,
        line.strong && !line.heading ? line.color : Svg.INK,
        line.strong || line.heading);
    if (line.joined && line.dots.size() > 1) {
      svg.line(
          across.at(line.dots.getFirst().value),
          y,
          across.at(line.dots.getLast().value),
          y,
          line.color,
          line.strong ? 3 : 2,
          0.7);
    }
    for (Dot dot : line.dots) {
      svg.circle(across.at(dot.value), y, line.strong ? 5 : 4, dot.color);
    }
  }
}

package dev.kvstore.bench.plot;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleFunction;

/// Curves over one quantity.
///
/// @param subtitle what they have in common, below the title
/// @param x its values above 0 if logarithmic
/// @param limit a value of y that should not be exceeded
public record LineChart(
    String title, String subtitle, Scale x, Scale y, OptionalDouble limit, List<Curve> curves) {
  /// A direction of the chart.
  ///
  /// @param title with the unit
  /// @param fromZero whether an even axis begins at 0; otherwise it is logarithmic
  /// @param text how a value is written at the axis
  public record Scale(String title, boolean fromZero, DoubleFunction<String> text) {}

  /// One curve.
  ///
  /// @param points in the order of x
  /// @param marked whether each point is marked
  public record Curve(
      String label, String color, boolean strong, boolean marked, List<double[]> points) {}

  private static final double WIDTH = 760;
  private static final double HEIGHT = 420;
  private static final double LEFT = 76;
  private static final double RIGHT = 130;
  private static final double TOP = 60;
  private static final double BOTTOM = 54;
  private static final double LABEL_STEP = 14;
  private static final double ROOM_ABOVE = 1.05;

  public String svg() {
    Svg svg = new Svg();
    svg.text(title, 20, 24, Svg.Anchor.START, Svg.TITLE_SIZE, Svg.INK, true);
    svg.text(subtitle, 20, 42, Svg.Anchor.START);
    double right = WIDTH - RIGHT;
    double bottom = HEIGHT - BOTTOM;
    Axis across = axis(x, 0, LEFT, right, OptionalDouble.empty());
    Axis up = axis(y, 1, bottom, TOP, limit);
    for (double tick : across.ticks()) {
      svg.gridLine(across.at(tick), TOP, across.at(tick), bottom);
      svg.text(x.text.apply(tick), across.at(tick), bottom + 18, Svg.Anchor.MIDDLE);
    }
    for (double tick : up.ticks()) {
      svg.gridLine(LEFT, up.at(tick), right, up.at(tick));
      svg.text(y.text.apply(tick), LEFT - 8, up.at(tick) + 4, Svg.Anchor.END);
    }
    svg.text(x.title, (LEFT + right) / 2, HEIGHT - 12, Svg.Anchor.MIDDLE);
    svg.textUpwards(y.title, 18, (TOP + bottom) / 2);
    limit.ifPresent(value -> {
      svg.dashedLine(LEFT, up.at(value), right, up.at(value), Svg.INK);
      svg.text("goal: at most " + y.text.apply(value), right - 4, up.at(value) - 6, Svg.Anchor.END);
    });
    for (Curve curve : curves) {
      draw(svg, curve, across, up);
    }
    labels(svg, up, right);
    return svg.finish(title, WIDTH, HEIGHT);
  }

  private Axis axis(Scale scale, int coordinate, double begin, double end, OptionalDouble also) {
    List<Double> values = new ArrayList<>();
    for (Curve curve : curves) {
      curve.points.forEach(point -> values.add(point[coordinate]));
    }
    also.ifPresent(values::add);
    double most = values.stream().mapToDouble(Double::doubleValue).max().orElse(1);
    return scale.fromZero
        ? Axis.fromZero(ROOM_ABOVE * most, begin, end)
        : Axis.logarithmic(
            values.stream().mapToDouble(Double::doubleValue).min().orElse(most), most, begin, end);
  }

  private static void draw(Svg svg, Curve curve, Axis across, Axis up) {
    List<Svg.Point> places =
        curve.points.stream()
            .map(point -> new Svg.Point(across.at(point[0]), up.at(point[1])))
            .toList();
    svg.polyline(places, curve.color, curve.strong ? 3 : 1.6);
    if (curve.marked) {
      places.forEach(
          place -> svg.circle(place.x(), place.y(), curve.strong ? 3.5 : 2.5, curve.color));
    }
  }

  /// A name at the end of each curve, moved apart where ends are close.
  private void labels(Svg svg, Axis up, double right) {
    List<Curve> sorted =
        curves.stream()
            .filter(curve -> !curve.points.isEmpty())
            .sorted(Comparator.comparingDouble(curve -> up.at(curve.points.getLast()[1])))
            .toList();
    double before = TOP - LABEL_STEP;
    for (Curve curve : sorted) {
      double at = Math.max(up.at(curve.points.getLast()[1]) + 4, before + LABEL_STEP);
      svg.text(
          curve.label, right + 8, at, Svg.Anchor.START, Svg.TEXT_SIZE, curve.color, curve.strong);
      before = at;
    }
  }
}

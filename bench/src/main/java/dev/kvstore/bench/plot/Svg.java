package dev.kvstore.bench.plot;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// Writes one picture, element by element, in pixels from the upper left corner.
final class Svg {
  /// Where a text stands in relation to its place.
  enum Anchor {
    START,
    MIDDLE,
    END
  }

  /// A place in the picture.
  record Point(double x, double y) {}

  /// Text and lines that are not data: in the middle between black and white.
  static final String INK = "#768390";

  static final int TEXT_SIZE = 12;
  static final int TITLE_SIZE = 15;

  /// What a letter takes on average, in parts of the size of the text.
  private static final double LETTER = 0.56;

  private final StringBuilder elements = new StringBuilder();

  /// About how wide a text will be.
  static double width(String text, int size) {
    return text.length() * size * LETTER;
  }

  void text(String text, double x, double y, Anchor anchor, int size, String color, boolean bold) {
    elements.append(
        format(
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\" fill=\"%s\"%s>%s</text>\n",
            x,
            y,
            anchor.name().toLowerCase(Locale.ROOT),
            size,
            color,
            bold ? " font-weight=\"bold\"" : "",
            escape(text)));
  }

  void text(String text, double x, double y, Anchor anchor) {
    text(text, x, y, anchor, TEXT_SIZE, INK, false);
  }

  /// Text that runs upwards, its middle at that place.
  void textUpwards(String text, double x, double y) {
    elements.append(
        format(
            "<text transform=\"translate(%.1f %.1f) rotate(-90)\" text-anchor=\"middle\""
                + " font-size=\"%d\" fill=\"%s\">%s</text>\n",
            x, y, TEXT_SIZE, INK, escape(text)));
  }

  void line(
      double x1, double y1, double x2, double y2, String color, double width, double opacity) {
    elements.append(
        format(
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\""
                + " stroke-width=\"%.1f\" stroke-opacity=\"%.2f\"/>\n",
            x1, y1, x2, y2, color, width, opacity));
  }

  /// A faint line to read values by.
  void gridLine(double x1, double y1, double x2, double y2) {
    line(x1, y1, x2, y2, INK, 1, 0.25);
  }

  void dashedLine(double x1, double y1, double x2, double y2, String color) {
    elements.append(
        format(
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\""
                + " stroke-width=\"1.5\" stroke-dasharray=\"6 4\"/>\n",
            x1, y1, x2, y2, color));
  }

  void rectangle(double x, double y, double width, double height, String color) {
    elements.append(
        format(
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
            x, y, Math.max(0, width), height, color));
  }

  void circle(double x, double y, double radius, String color) {
    elements.append(
        format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"/>\n", x, y, radius, color));
  }

  void polyline(List<Point> points, String color, double width) {
    String places =
        points.stream()
            .map(point -> format("%.1f,%.1f", point.x, point.y))
            .collect(Collectors.joining(" "));
    elements.append(
        format(
            "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%.1f\""
                + " stroke-linejoin=\"round\"/>\n",
            places, color, width));
  }

  /// The whole picture.
  ///
  /// @param title read out instead of the picture
  String finish(String title, double width, double height) {
    return format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\""
                + " viewBox=\"0 0 %.0f %.0f\" role=\"img\""
                + " font-family=\"system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif\">\n",
            width, height, width, height)
        + "<title>"
        + escape(title)
        + "</title>\n"
        + elements
        + "</svg>\n";
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
  }

  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}

package dev.kvstore.bench;

import java.util.Locale;

/// What a number counts, which way it is better, and how it is written.
enum Unit {
  PER_SECOND(true),
  BYTES_PER_SECOND(true),
  MILLIS(false),
  /// Nanoseconds, written as microseconds.
  NANOS(false),
  BYTES(false),
  BYTES_PER_KEY(false),
  BYTES_PER_OPERATION(false),
  COUNT(false),
  /// How many times as much as something that was measured beside it; less is better.
  TIMES(false),
  /// How much of what was possible; more is better.
  SHARE(true);

  private final boolean higherIsBetter;

  Unit(boolean higherIsBetter) {
    this.higherIsBetter = higherIsBetter;
  }

  boolean higherIsBetter() {
    return higherIsBetter;
  }

  /// How many times better one number is than another.
  double timesBetter(double one, double other) {
    return higherIsBetter ? one / other : other / one;
  }

  String text(double value) {
    return switch (this) {
      case PER_SECOND ->
          value >= 1e6 ? format("%.2f M/s", value / 1e6) : format("%.1f k/s", value / 1e3);
      case BYTES_PER_SECOND ->
          value >= 1e9 ? format("%.2f GB/s", value / 1e9) : format("%.0f MB/s", value / 1e6);
      case MILLIS -> format(value < 100 ? "%.1f ms" : "%.0f ms", value);
      case NANOS -> format(value < 10_000 ? "%.2f us" : "%.0f us", value / 1e3);
      case BYTES ->
          value >= 1L << 30
              ? format("%.2f GiB", value / (1L << 30))
              : format("%.1f MiB", value / (1L << 20));
      case BYTES_PER_KEY, BYTES_PER_OPERATION -> format("%.1f B", value);
      case COUNT -> format("%.0f", value);
      case TIMES, SHARE -> format("%.2f", value);
    };
  }

  private static String format(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}

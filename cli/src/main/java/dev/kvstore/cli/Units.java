package dev.kvstore.cli;

import java.util.Locale;

/// Sizes, times and rates as people read them; the same in every locale.
final class Units {
  private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

  private Units() {}

  /// For example `512 B`, `1.5 MiB`.
  static String bytes(long bytes) {
    double size = bytes;
    int unit = 0;
    while (Math.abs(size) >= 1024 && unit < BINARY.length - 1) {
      size /= 1024;
      unit++;
    }
    return unit == 0
        ? bytes + " B"
        : String.format(Locale.ROOT, size < 10 ? "%.2f %s" : "%.1f %s", size, BINARY[unit]);
  }

  /// For example `34,924`.
  static String count(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  /// A count with its noun, for example `1 key`, `2,000 keys`.
  static String count(long count, String noun) {
    return count(count) + " " + noun + (count == 1 ? "" : "s");
  }

  /// For example `350 ns`, `1.20 ms`, `3.4 s`, `125 s`.
  static String nanos(long nanos) {
    if (nanos < 1_000) {
      return nanos + " ns";
    }
    if (nanos < 1_000_000) {
      return String.format(Locale.ROOT, "%.1f us", nanos / 1e3);
    }
    if (nanos < 1_000_000_000) {
      return String.format(Locale.ROOT, nanos < 100_000_000 ? "%.2f ms" : "%.0f ms", nanos / 1e6);
    }
    return String.format(Locale.ROOT, nanos < 100_000_000_000L ? "%.2f s" : "%.0f s", nanos / 1e9);
  }

  /// How many in a second, for example `41,667/s`.
  static String rate(long count, long nanos) {
    return count((long) perSecond(count, nanos)) + "/s";
  }

  /// For example `120.5 MiB/s`.
  static String byteRate(long bytes, long nanos) {
    return bytes((long) perSecond(bytes, nanos)) + "/s";
  }

  static double perSecond(long count, long nanos) {
    return count * 1e9 / Math.max(nanos, 1);
  }

  static String percent(long part, long whole) {
    return whole == 0 ? "0 %" : String.format(Locale.ROOT, "%.0f %%", 100.0 * part / whole);
  }
}

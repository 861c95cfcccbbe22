package dev.kvstore.bench.plot;

import java.util.ArrayList;
import java.util.List;

/// Maps values to pixels, evenly or by their logarithm, and says which values to mark.
///
/// @param from the value at `begin`; above 0 if logarithmic
/// @param to the value at `end`
/// @param begin where the axis begins, in pixels
/// @param end where it ends; may be the smaller one, for an axis that runs upwards
record Axis(double from, double to, double begin, double end, boolean logarithmic) {
  private static final int TICKS = 5;
  private static final double[] STEPS = {1, 2, 5, 10};

  Axis {
    if (!(to > from) || (logarithmic && !(from > 0))) {
      throw new IllegalArgumentException("no axis from " + from + " to " + to);
    }
  }

  /// From 0 to a round number that is not below `most`.
  static Axis fromZero(double most, double begin, double end) {
    double step = step(Math.max(most, Double.MIN_NORMAL));
    return new Axis(0, Math.ceil(most / step) * step, begin, end, false);
  }

  /// From 1, 2 or 5 times a power of ten to another, around both values.
  static Axis logarithmic(double least, double most, double begin, double end) {
    double from = round(least, false);
    double to = round(most, true);
    return new Axis(from, to > from ? to : 10 * from, begin, end, true);
  }

  private static double round(double value, boolean up) {
    double power = Math.pow(10, Math.floor(Math.log10(value)));
    double chosen = up ? 10 * power : power;
    for (double step : STEPS) {
      double candidate = step * power;
      // Powers of ten are not exact.
      if (up
          ? candidate >= value * (1 - 1e-9) && candidate < chosen
          : candidate <= value * (1 + 1e-9)) {
        chosen = candidate;
      }
    }
    return chosen;
  }

  private static double step(double most) {
    double power = Math.pow(10, Math.floor(Math.log10(most / TICKS)));
    for (double step : STEPS) {
      if (most / (step * power) <= TICKS + 1e-9) {
        return step * power;
      }
    }
    return 10 * power;
  }

  /// The pixel of a value.
  double at(double value) {
    double part =
        logarithmic
            ? (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))
            : (value - from) / (to - from);
    return begin + part * (end - begin);
  }

  /// Values to mark, ascending: both ends among them.
  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    if (!logarithmic) {
      double step = step(to);
      for (int i = 0; from + i * step <= to * (1 + 1e-9); i++) {
        ticks.add(from + i * step);
      }
      return ticks;
    }
    boolean each = to / from <= 1000;
    for (int power = (int) Math.floor(Math.log10(from) + 1e-9);
        Math.pow(10, power) <= to * (1 + 1e-9);
        power++) {
      for (double step : each ? new double[] {1, 2, 5} : new double[] {1}) {
        double tick = step * Math.pow(10, power);
        if (tick >= from * (1 - 1e-9) && tick <= to * (1 + 1e-9)) {
          ticks.add(tick);
        }
      }
    }
    return ticks;
  }
}

package dev.kvstore.bench;

/// Ranks that follow Zipf's law with exponent 0.99, as YCSB draws them (Gray et al., "Quickly
/// Generating Billion-Record Synthetic Databases", 1994): rank 0 is the most frequent.
///
/// They are drawn in advance, because drawing costs as much as a get. Safe for use by many threads.
final class Zipf {
  static final double THETA = 0.99;
  private static final int DRAWN = 1 << 22;
  static final long ZETA_EXACT = 1 << 20;
  private static final int THREAD_BITS = 39;

  private final int[] drawn;

  private Zipf(int[] drawn) {
    this.drawn = drawn;
  }

  /// Draws ranks below a bound.
  static Zipf of(long bound) {
    double zeta = zeta(bound);
    double second = 1 + Math.pow(0.5, THETA);
    double alpha = 1 / (1 - THETA);
    double eta = (1 - Math.pow(2.0 / bound, 1 - THETA)) / (1 - second / zeta);
    int[] drawn = new int[DRAWN];
    for (int i = 0; i < DRAWN; i++) {
      double u = (Data.mix(i) >>> 11) * 0x1p-53;
      double uz = u * zeta;
      drawn[i] = uz < 1 ? 0 : uz < second ? 1 : (int) (bound * Math.pow(eta * u - eta + 1, alpha));
    }
    return new Zipf(drawn);
  }

  /// The sum of `1 / i^THETA` for i from 1 to the bound; behind the first million by the integral
  /// from half to half, which is then right to 12 digits.
  static double zeta(long bound) {
    double zeta = 0;
    for (long i = 1; i <= Math.min(bound, ZETA_EXACT); i++) {
      zeta += 1 / Math.pow((double) i, THETA);
    }
    if (bound > ZETA_EXACT) {
      double power = 1 - THETA;
      zeta += (Math.pow(bound + 0.5, power) - Math.pow(ZETA_EXACT + 0.5, power)) / power;
    }
    return zeta;
  }

  /// The rank of a turn; the same for the same turn. Threads whose turns begin far apart do not draw
  /// the same ranks one after the other.
  int rank(long turn) {
    return drawn[(int) (turn + (turn >>> THREAD_BITS) * 1_299_709) & DRAWN - 1];
  }
}

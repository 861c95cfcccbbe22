package dev.kvstore.bench;

/// Numbers below a bound that follow Zipf's law with exponent 0.99, as YCSB draws them (Gray et al.,
/// "Quickly Generating Billion-Record Synthetic Databases", 1994), scattered over the whole range.
final class Zipf {
  private static final double THETA = 0.99;

  private Zipf() {}

  /// Draws in advance, because drawing costs as much as a get.
  static int[] draw(int count, Data data) {
    long bound = data.keys();
    double zeta = 0;
    for (long i = 1; i <= bound; i++) {
      zeta += 1 / Math.pow((double) i, THETA);
    }
    double second = 1 + Math.pow(0.5, THETA);
    double alpha = 1 / (1 - THETA);
    double eta = (1 - Math.pow(2.0 / bound, 1 - THETA)) / (1 - second / zeta);
    int[] drawn = new int[count];
    for (int i = 0; i < count; i++) {
      double u = (Data.mix(i) >>> 11) * 0x1p-53;
      double uz = u * zeta;
      long rank =
          uz < 1 ? 0 : uz < second ? 1 : (long) (bound * Math.pow(eta * u - eta + 1, alpha));
      drawn[i] = (int) data.pick(rank);
    }
    return drawn;
  }
}

package dev.kvstore.fuzz;

/// The bytes of an input, taken as decisions one after the other; zeros behind the end.
final class Feed {
  private final byte[] bytes;
  private int at;

  Feed(byte[] bytes) {
    this.bytes = bytes;
  }

  boolean isEmpty() {
    return at >= bytes.length;
  }

  /// 0 to 255.
  int next() {
    return isEmpty() ? 0 : bytes[at++] & 0xFF;
  }

  /// 0 to the bound, exclusive; at most 256.
  int below(int bound) {
    return next() % bound;
  }

  /// 0 to the bound, exclusive; at most 65,536.
  int place(int bound) {
    return (next() << 8 | next()) % bound;
  }

  /// True for one byte in so many.
  boolean rarely(int oneIn) {
    return next() % oneIn == oneIn - 1;
  }

  byte[] take(int count) {
    byte[] taken = new byte[count];
    for (int i = 0; i < count; i++) {
      taken[i] = (byte) next();
    }
    return taken;
  }
}

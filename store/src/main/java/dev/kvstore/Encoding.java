package dev.kvstore;

/// How the bytes of a value are to be read. Stored with every record.
///
/// The codes are on disk: never renumber, only add.
public enum Encoding {
  /// Plain bytes, no interpretation.
  BYTES(0),
  /// UTF-8 text.
  STRING(1),
  /// A signed 64-bit integer, 8 bytes, little-endian.
  INT64(2),
  /// An IEEE 754 double, 8 bytes, little-endian.
  FLOAT64(3);

  private static final Encoding[] BY_CODE = values();

  private final int code;

  Encoding(int code) {
    this.code = code;
  }

  /// The byte that stands for this encoding on disk.
  public int code() {
    return code;
  }

  /// Whether some encoding has this code.
  public static boolean isKnown(int code) {
    return code >= 0 && code < BY_CODE.length;
  }

  /// The encoding with this code.
  ///
  /// @throws IllegalArgumentException if there is none
  public static Encoding ofCode(int code) {
    if (!isKnown(code)) {
      throw new IllegalArgumentException("no value encoding has code " + code);
    }
    return BY_CODE[code];
  }
}

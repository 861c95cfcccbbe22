package dev.kvstore;

import java.util.Arrays;

/// A key with its value. The arrays are shared, not copied.
public record Entry(byte[] key, Value value) {

  /// An entry with plain bytes as its value.
  public static Entry of(byte[] key, byte[] value) {
    return new Entry(key, Value.of(value));
  }

  /// An entry of text.
  public static Entry of(String key, String value) {
    return new Entry(Utf8.encode(key, "key"), Value.of(value));
  }

  /// The key as text.
  ///
  /// @throws StoreEncodingException if the key is not UTF-8
  public String keyText() {
    return Utf8.decode(key);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Entry(byte[] theirKey, Value theirValue)
        && Arrays.equals(key, theirKey)
        && value.equals(theirValue);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(key) + value.hashCode();
  }

  @Override
  public String toString() {
    return "Entry[key " + key.length + " B, " + value + "]";
  }
}

package dev.kvstore.codec;

import dev.kvstore.StoreEncodingException;
import dev.kvstore.Value;
import dev.kvstore.ValueCodec;
import java.util.function.Function;

/// Codecs for values, one for each type that a store knows.
public final class Values {
  private static final ValueCodec<byte[]> BYTES =
      codec(
          Value::of,
          value -> {
            if (value instanceof Value.Bytes(byte[] bytes)) {
              return bytes;
            }
            throw mistyped("plain bytes", value);
          });
  private static final ValueCodec<String> TEXT =
      codec(
          Value::of,
          value -> {
            if (value instanceof Value.Text(String text)) {
              return text;
            }
            throw mistyped("text", value);
          });
  private static final ValueCodec<Long> INT64 =
      codec(
          Value::of,
          value -> {
            if (value instanceof Value.Int64(long number)) {
              return number;
            }
            throw mistyped("a 64-bit integer", value);
          });
  private static final ValueCodec<Double> FLOAT64 =
      codec(
          Value::of,
          value -> {
            if (value instanceof Value.Float64(double number)) {
              return number;
            }
            throw mistyped("a 64-bit float", value);
          });

  private Values() {}

  /// Plain bytes; not copied.
  public static ValueCodec<byte[]> bytes() {
    return BYTES;
  }

  /// Text, stored as UTF-8.
  public static ValueCodec<String> text() {
    return TEXT;
  }

  /// Signed 64-bit integers.
  public static ValueCodec<Long> int64() {
    return INT64;
  }

  /// IEEE 754 doubles.
  public static ValueCodec<Double> float64() {
    return FLOAT64;
  }

  /// A codec from two functions.
  ///
  /// @param decode throws [StoreEncodingException] if the stored value is of another type
  public static <V> ValueCodec<V> codec(
      Function<? super V, ? extends Value> encode, Function<? super Value, ? extends V> decode) {
    return new ValueCodec<>() {
      @Override
      public Value encode(V value) {
        return encode.apply(value);
      }

      @Override
      public V decode(Value stored) {
        return decode.apply(stored);
      }
    };
  }

  private static StoreEncodingException mistyped(String wanted, Value found) {
    return new StoreEncodingException(
        "the value is of type " + found.encoding() + ", not " + wanted);
  }
}

package dev.kvstore;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/// A value together with the type it was stored as: plain bytes, text, a 64-bit integer or a 64-bit
/// float.
///
/// Values are immutable as long as nobody writes into an array handed to [Bytes]; arrays are neither
/// copied in nor out.
public sealed interface Value {

  /// Plain bytes. The array is shared, not copied.
  record Bytes(byte[] bytes) implements Value {
    @Override
    public Encoding encoding() {
      return Encoding.BYTES;
    }

    @Override
    public byte[] toBytes() {
      return bytes;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Bytes(byte[] theirs) && Arrays.equals(bytes, theirs);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
      return "Bytes[" + bytes.length + " B]";
    }
  }

  /// Text, stored as UTF-8.
  record Text(String text) implements Value {
    @Override
    public Encoding encoding() {
      return Encoding.STRING;
    }

    @Override
    public byte[] toBytes() {
      return Utf8.encode(text, "value");
    }
  }

  /// A signed 64-bit integer.
  record Int64(long number) implements Value {
    @Override
    public Encoding encoding() {
      return Encoding.INT64;
    }

    @Override
    public byte[] toBytes() {
      return littleEndian(number);
    }
  }

  /// A 64-bit IEEE 754 number.
  record Float64(double number) implements Value {
    @Override
    public Encoding encoding() {
      return Encoding.FLOAT64;
    }

    @Override
    public byte[] toBytes() {
      return littleEndian(Double.doubleToRawLongBits(number));
    }
  }

  /// The type this value is stored as.
  Encoding encoding();

  /// The bytes as they are stored.
  ///
  /// @throws StoreEncodingException if text holds an unpaired surrogate, which UTF-8 cannot express
  byte[] toBytes();

  /// Plain bytes; the array is shared, not copied.
  static Value of(byte[] bytes) {
    return new Bytes(bytes);
  }

  /// Text.
  static Value of(String text) {
    return new Text(text);
  }

  /// A 64-bit integer.
  static Value of(long number) {
    return new Int64(number);
  }

  /// A 64-bit float.
  static Value of(double number) {
    return new Float64(number);
  }

  /// Reads stored bytes as what they were stored as.
  ///
  /// @throws StoreEncodingException if the bytes are not of that encoding: malformed UTF-8, or a
  ///     number that is not 8 bytes long
  static Value decode(Encoding encoding, byte[] bytes) {
    return switch (encoding) {
      case BYTES -> new Bytes(bytes);
      case STRING -> new Text(Utf8.decode(bytes));
      case INT64 -> new Int64(number(encoding, bytes));
      case FLOAT64 -> new Float64(Double.longBitsToDouble(number(encoding, bytes)));
    };
  }

  private static long number(Encoding encoding, byte[] bytes) {
    if (bytes.length != Long.BYTES) {
      throw new StoreEncodingException(
          "a value of type " + encoding + " has 8 bytes, this one has " + bytes.length);
    }
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  private static byte[] littleEndian(long bits) {
    return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(bits).array();
  }
}

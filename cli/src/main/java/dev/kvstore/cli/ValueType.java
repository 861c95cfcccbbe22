package dev.kvstore.cli;

import dev.kvstore.Encoding;
import dev.kvstore.StoreEncodingException;
import dev.kvstore.Value;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.regex.Pattern;

/// The types of values by the words that people write, and values in the form that people read.
///
/// The written form of a value is a sequence of bytes: text as UTF-8, plain bytes as they are, an
/// integer in decimal, a float as Java writes it (`1.0`, `-0.0`, `1.0E10`, `NaN`, `-Infinity`).
enum ValueType {
  STRING("string", Encoding.STRING),
  INT("int", Encoding.INT64),
  FLOAT("float", Encoding.FLOAT64),
  BYTES("bytes", Encoding.BYTES);

  /// What completion offers.
  static final class Candidates implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Arrays.stream(values()).map(ValueType::word).iterator();
    }
  }

  private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9]+");
  private static final Pattern DECIMAL =
      Pattern.compile("[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?");

  private final String word;
  private final Encoding encoding;

  ValueType(String word, Encoding encoding) {
    this.word = word;
    this.encoding = encoding;
  }

  String word() {
    return word;
  }

  static ValueType of(Encoding encoding) {
    return switch (encoding) {
      case STRING -> STRING;
      case INT64 -> INT;
      case FLOAT64 -> FLOAT;
      case BYTES -> BYTES;
    };
  }

  static ValueType ofWord(String word) {
    for (ValueType type : values()) {
      if (type.word.equals(word)) {
        return type;
      }
    }
    throw new BadInputException(
        "the type must be string, int, float or bytes, not '" + shortened(word) + "'");
  }

  /// The written form of a value.
  static byte[] written(Value value) {
    // No switch over patterns: a JVM that has just started needs 10 ms for its first one.
    return switch (value.encoding()) {
      case BYTES, STRING -> value.toBytes();
      case INT64 ->
          Long.toString(((Value.Int64) value).number()).getBytes(StandardCharsets.US_ASCII);
      case FLOAT64 ->
          Double.toString(((Value.Float64) value).number()).getBytes(StandardCharsets.US_ASCII);
    };
  }

  /// Reads a written form.
  Value parse(byte[] written) {
    return switch (this) {
      case BYTES -> Value.of(written);
      case STRING -> Value.of(text(written));
      case INT -> Value.of(integer(text(written)));
      case FLOAT -> Value.of(decimal(text(written)));
    };
  }

  /// Reads the bytes that the store keeps for a value of this type.
  Value stored(byte[] bytes) {
    try {
      return Value.decode(encoding, bytes);
    } catch (StoreEncodingException e) {
      throw new BadInputException("these bytes are no value of type " + word, e);
    }
  }

  private static String text(byte[] written) {
    String text = Utf8Text.decode(written);
    if (text == null) {
      throw new BadInputException("the value is not UTF-8 text; store it with type bytes");
    }
    return text;
  }

  static long integer(String text) {
    if (!INTEGER.matcher(text).matches()) {
      throw new BadInputException("'" + shortened(text) + "' is not an integer");
    }
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new BadInputException(
          shortened(text) + " does not fit in 64 bits; the range is -2^63 to 2^63 - 1", e);
    }
  }

  static double decimal(String text) {
    return switch (text) {
      case "NaN" -> Double.NaN;
      case "Infinity", "+Infinity" -> Double.POSITIVE_INFINITY;
      case "-Infinity" -> Double.NEGATIVE_INFINITY;
      default -> finite(text);
    };
  }

  private static double finite(String text) {
    if (!DECIMAL.matcher(text).matches()) {
      throw new BadInputException("'" + shortened(text) + "' is not a number");
    }
    double number = Double.parseDouble(text);
    if (Double.isInfinite(number)) {
      throw new BadInputException(shortened(text) + " is too large for a 64-bit float");
    }
    return number;
  }

  private static String shortened(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "...";
  }
}

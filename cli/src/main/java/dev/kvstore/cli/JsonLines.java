package dev.kvstore.cli;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Value;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/// Entries as JSON Lines: one object on each line.
///
/// | field | holds |
/// |---|---|
/// | `key` | the key, if it is UTF-8 text |
/// | `keyBase64` | the key otherwise |
/// | `value` | text, a number, or one of `"NaN"`, `"Infinity"`, `"-Infinity"` |
/// | `valueBase64` | the bytes that the store keeps, where `value` cannot hold them |
/// | `type` | `string`, `int`, `float` or `bytes`; always written, optional when read |
///
/// Reading is strict: an unknown or repeated field, a key that is no text, a number that does not
/// fit or anything behind the object makes the line a bad one. Empty lines count as nothing.
final class JsonLines {
  private static final JsonFactory FACTORY =
      new JsonFactoryBuilder()
          .rootValueSeparator("")
          .streamReadConstraints(
              StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
          .build();

  /// Longest piece of a message that repeats input.
  private static final int QUOTED_MAX = 40;

  private JsonLines() {}

  /// A generator for one or more objects, each on a line if the caller ends it.
  static JsonGenerator generator(OutputStream out) throws IOException {
    return FACTORY
        .createGenerator(out, JsonEncoding.UTF8)
        .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
        .disable(JsonGenerator.Feature.FLUSH_PASSED_TO_STREAM);
  }

  /// A parser of one line that the store has written.
  static JsonParser parser(String line) throws IOException {
    return FACTORY.createParser(line);
  }

  /// Writes a field of bytes: under its name as text, else under its name with `Base64` behind it.
  static void writeBytes(JsonGenerator json, String name, byte[] bytes) throws IOException {
    String text = Utf8Text.decode(bytes);
    if (text != null) {
      json.writeStringField(name, text);
    } else {
      json.writeStringField(name + "Base64", Base64.getEncoder().encodeToString(bytes));
    }
  }

  /// Writes entries.
  static final class Writer implements EntryWriter {
    private final JsonGenerator json;

    Writer(OutputStream out) throws IOException {
      json = generator(out);
    }

    @Override
    public void write(Entry entry) throws IOException {
      json.writeStartObject();
      writeBytes(json, "key", entry.key());
      switch (entry.value()) {
        case Value.Bytes(byte[] bytes) -> writeBytes(json, "value", bytes);
        case Value.Text(String text) -> json.writeStringField("value", text);
        case Value.Int64(long number) -> json.writeNumberField("value", number);
        case Value.Float64 value -> write(value);
      }
      json.writeStringField("type", ValueType.of(entry.value().encoding()).word());
      json.writeEndObject();
      json.writeRaw('\n');
    }

    private void write(Value.Float64 value) throws IOException {
      double number = value.number();
      if (Double.isFinite(number)) {
        json.writeNumberField("value", number);
      } else if (isCanonical(number)) {
        json.writeStringField("value", Double.toString(number));
      } else {
        json.writeStringField("valueBase64", Base64.getEncoder().encodeToString(value.toBytes()));
      }
    }

    @Override
    public void close() throws IOException {
      json.close();
    }
  }

  /// Whether the text of a float says all of it: there are many NaNs, and one word for them.
  static boolean isCanonical(double number) {
    return Double.doubleToRawLongBits(number) == Double.doubleToLongBits(number);
  }

  /// Reads entries.
  static final class Reader implements EntryReader {
    private final LineReader lines;

    Reader(InputStream in) {
      this(new LineReader(in));
    }

    Reader(LineReader lines) {
      this.lines = lines;
    }

    @Override
    public @Nullable Entry next() throws IOException, BadLineException {
      while (lines.next()) {
        if (lines.isTooLong()) {
          throw new BadLineException(
              lines.number(), "longer than " + lines.lineBytesMax() + " bytes");
        }
        int from = lines.number() == 1 ? byteOrderMark(lines.bytes(), lines.length()) : 0;
        if (isBlank(lines.bytes(), from, lines.length())) {
          continue;
        }
        try {
          return parse(lines.bytes(), from, lines.length());
        } catch (JsonProcessingException e) {
          throw new BadLineException(lines.number(), "not JSON: " + e.getOriginalMessage());
        } catch (BadInputException e) {
          throw new BadLineException(lines.number(), String.valueOf(e.getMessage()));
        }
      }
      return null;
    }

    @Override
    public long bytesRead() {
      return lines.bytesRead();
    }

    private static Entry parse(byte[] line, int from, int to) throws IOException {
      if (!Utf8Text.isText(line, from, to)) {
        throw new BadInputException("not UTF-8");
      }
      try (JsonParser json =
          FACTORY.createParser(new String(line, from, to - from, StandardCharsets.UTF_8))) {
        if (json.nextToken() != JsonToken.START_OBJECT) {
          throw new BadInputException("not a JSON object");
        }
        Fields fields = new Fields();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String name = json.currentName();
          fields.set(name, json.nextToken(), json);
        }
        if (json.nextToken() != null) {
          throw new BadInputException("something follows the object");
        }
        return fields.entry();
      }
    }

    private static boolean isBlank(byte[] bytes, int from, int to) {
      for (int i = from; i < to; i++) {
        if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r') {
          return false;
        }
      }
      return true;
    }
  }

  /// Length of the byte order mark with which some programs begin a file.
  static int byteOrderMark(byte[] bytes, int length) {
    boolean has =
        length >= 3
            && bytes[0] == (byte) 0xEF
            && bytes[1] == (byte) 0xBB
            && bytes[2] == (byte) 0xBF;
    return has ? 3 : 0;
  }

  /// The fields of one object as they come, in whatever order.
  private static final class Fields {
    private byte @Nullable [] key;
    private @Nullable String value;
    private @Nullable JsonToken valueToken;
    private byte @Nullable [] valueBytes;
    private @Nullable ValueType type;

    void set(String name, JsonToken token, JsonParser json) throws IOException {
      switch (name) {
        case "key" -> {
          requireFirst(key == null, name);
          key = Utf8Text.encode(text(name, token, json), name);
        }
        case "keyBase64" -> {
          requireFirst(key == null, name);
          key = base64(name, token, json);
        }
        case "value" -> {
          requireFirst(value == null && valueBytes == null, name);
          switch (token) {
            case VALUE_STRING, VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> {}
            default -> throw new BadInputException("\"value\" must be a string or a number");
          }
          value = json.getText();
          valueToken = token;
        }
        case "valueBase64" -> {
          requireFirst(value == null && valueBytes == null, name);
          valueBytes = base64(name, token, json);
        }
        case "type" -> {
          requireFirst(type == null, name);
          type = ValueType.ofWord(text(name, token, json));
        }
        default ->
            throw new BadInputException(
                "unknown field \""
                    + (name.length() > QUOTED_MAX ? name.substring(0, QUOTED_MAX) + "..." : name)
                    + "\"");
      }
    }

    Entry entry() {
      if (key == null) {
        throw new BadInputException("\"key\" is missing");
      }
      Verb.requireKey(key);
      Value found = value();
      long bytes = found.toBytes().length;
      if (bytes > KvStore.VALUE_BYTES_MAX) {
        throw new BadInputException(
            "a value of " + bytes + " bytes is too large; the limit is " + KvStore.VALUE_BYTES_MAX);
      }
      return new Entry(key, found);
    }

    private Value value() {
      if (valueBytes != null) {
        return type == null ? Value.of(valueBytes) : type.stored(valueBytes);
      }
      if (value == null || valueToken == null) {
        throw new BadInputException("\"value\" is missing");
      }
      ValueType wanted = type == null ? implied(valueToken) : type;
      boolean isNumber = valueToken != JsonToken.VALUE_STRING;
      return switch (wanted) {
        case STRING, BYTES -> {
          if (isNumber) {
            throw new BadInputException("\"value\" is a number, but its type is " + wanted.word());
          }
          byte[] bytes = Utf8Text.encode(value, "value");
          yield wanted == ValueType.BYTES ? Value.of(bytes) : Value.of(value);
        }
        case INT -> Value.of(ValueType.integer(value));
        case FLOAT -> Value.of(ValueType.decimal(value));
      };
    }

    private static ValueType implied(JsonToken token) {
      return switch (token) {
        case VALUE_NUMBER_INT -> ValueType.INT;
        case VALUE_NUMBER_FLOAT -> ValueType.FLOAT;
        default -> ValueType.STRING;
      };
    }

    private static void requireFirst(boolean isFirst, String name) {
      if (!isFirst) {
        throw new BadInputException("\"" + name + "\" is there twice");
      }
    }

    private static String text(String name, JsonToken token, JsonParser json) throws IOException {
      if (token != JsonToken.VALUE_STRING) {
        throw new BadInputException("\"" + name + "\" must be a string");
      }
      return json.getText();
    }

    private static byte[] base64(String name, JsonToken token, JsonParser json) throws IOException {
      try {
        return Base64.getDecoder().decode(text(name, token, json));
      } catch (IllegalArgumentException e) {
        throw new BadInputException("\"" + name + "\" is not Base64", e);
      }
    }
  }
}

package dev.kvstore.cli;

import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Value;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;

/// Entries as the three columns of a table: key, value, type.
///
/// The type may be followed by `;key=base64` and `;value=base64`, for what is not UTF-8. A Base64
/// value is the bytes that the store keeps; any other is the written form, see [ValueType].
final class Columns {
  private static final String KEY_BASE64 = ";key=base64";
  private static final String VALUE_BASE64 = ";value=base64";

  static final List<byte[]> HEADER = List.of(ascii("key"), ascii("value"), ascii("type"));

  // Where each column is; -1: there is none.
  private int keyColumn = 0;
  private int valueColumn = 1;
  private int typeColumn = 2;
  private int fieldsLeast = 2;
  private int fieldsMost = 3;

  /// Takes the first record of a file as header if it is one: at least key and value, nothing else
  /// but type, nothing twice.
  ///
  /// @return whether it was one
  boolean takeHeader(List<byte[]> record) {
    int[] columns = {-1, -1, -1};
    for (int i = 0; i < record.size(); i++) {
      int found = columnOf(new String(record.get(i), StandardCharsets.ISO_8859_1));
      if (found < 0 || columns[found] >= 0) {
        return false;
      }
      columns[found] = i;
    }
    if (columns[0] < 0 || columns[1] < 0) {
      return false;
    }
    keyColumn = columns[0];
    valueColumn = columns[1];
    typeColumn = columns[2];
    fieldsLeast = record.size();
    fieldsMost = record.size();
    return true;
  }

  private static int columnOf(String name) {
    return switch (name) {
      case "key" -> 0;
      case "value" -> 1;
      case "type" -> 2;
      default -> -1;
    };
  }

  /// The entry of a record.
  ///
  /// @throws BadInputException if it is none
  Entry entry(List<byte[]> record) {
    if (record.size() < fieldsLeast || record.size() > fieldsMost) {
      throw new BadInputException(
          "found "
              + record.size()
              + (record.size() == 1 ? " field" : " fields")
              + ", expected "
              + (fieldsLeast == fieldsMost ? "" + fieldsLeast : fieldsLeast + " or " + fieldsMost));
    }
    for (byte[] field : record) {
      if (!Utf8Text.isText(field, 0, field.length)) {
        throw new BadInputException("not UTF-8");
      }
    }
    boolean hasType = typeColumn >= 0 && typeColumn < record.size();
    String type = hasType ? new String(record.get(typeColumn), StandardCharsets.UTF_8) : "string";
    byte[] key = record.get(keyColumn);
    byte[] bytes = record.get(valueColumn);
    boolean isStored = type.endsWith(VALUE_BASE64);
    if (isStored) {
      type = type.substring(0, type.length() - VALUE_BASE64.length());
      bytes = base64(bytes, "value");
    }
    if (type.endsWith(KEY_BASE64)) {
      type = type.substring(0, type.length() - KEY_BASE64.length());
      key = base64(key, "key");
    }
    Verb.requireKey(key);
    if (bytes.length > KvStore.VALUE_BYTES_MAX) {
      throw new BadInputException(
          "a value of "
              + bytes.length
              + " bytes is too large; the limit is "
              + KvStore.VALUE_BYTES_MAX);
    }
    ValueType valueType = ValueType.ofWord(type);
    return new Entry(key, isStored ? valueType.stored(bytes) : valueType.parse(bytes));
  }

  /// The record of an entry.
  static List<byte[]> record(Entry entry) {
    Value value = entry.value();
    byte[] key = entry.key();
    byte[] written = ValueType.written(value);
    String type = ValueType.of(value.encoding()).word();
    if (!Utf8Text.isText(key, 0, key.length)) {
      key = Base64.getEncoder().encode(key);
      type += KEY_BASE64;
    }
    boolean isLossy =
        value instanceof Value.Float64(double number) && !JsonLines.isCanonical(number);
    if (isLossy || !Utf8Text.isText(written, 0, written.length)) {
      written = Base64.getEncoder().encode(value.toBytes());
      type += VALUE_BASE64;
    }
    return List.of(key, written, ascii(type));
  }

  private static byte[] base64(byte[] text, String what) {
    try {
      return Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new BadInputException("the " + what + " is not Base64", e);
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}

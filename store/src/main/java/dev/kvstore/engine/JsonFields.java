package dev.kvstore.engine;

import java.util.HexFormat;

/// Puts the fields of a JSON object behind each other. By hand, see [RecoveryReceipt].
final class JsonFields {
  private final StringBuilder json;
  private final String indent;
  private final String space;
  private final String comma;
  private boolean first = true;

  JsonFields(StringBuilder json, String indent, String space, String comma) {
    this.json = json;
    this.indent = indent;
    this.space = space;
    this.comma = comma;
  }

  /// All on one line; ends with [#object].
  static JsonFields inLine() {
    return new JsonFields(new StringBuilder(), "", " ", ", ");
  }

  /// @param value JSON, or a number or truth value
  JsonFields add(String name, Object value) {
    if (!first) {
      json.append(comma);
    }
    first = false;
    json.append(indent).append('"').append(name).append("\":").append(space).append(value);
    return this;
  }

  String object() {
    return "{" + json + "}";
  }

  static String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < ' ') {
        json.append("\\u").append(HexFormat.of().toHexDigits((short) c));
      } else {
        json.append(c);
      }
    }
    return json.append('"').toString();
  }
}

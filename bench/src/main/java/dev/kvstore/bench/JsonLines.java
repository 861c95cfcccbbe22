package dev.kvstore.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Results as flat JSON objects, one per line.
final class JsonLines {
  private static final JsonFactory JSON = new JsonFactory();

  private JsonLines() {}

  static void append(Path file, Map<String, ?> object) throws IOException {
    StringWriter line = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(line)) {
      write(json, object);
    }
    Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private static void write(JsonGenerator json, Map<?, ?> object) throws IOException {
    json.writeStartObject();
    for (Map.Entry<?, ?> field : object.entrySet()) {
      json.writeFieldName(field.getKey().toString());
      switch (field.getValue()) {
        case Map<?, ?> inner -> write(json, inner);
        case Double number -> json.writeNumber(number);
        case Number number -> json.writeNumber(number.longValue());
        case Object text -> json.writeString(text.toString());
      }
    }
    json.writeEndObject();
  }

  /// The objects of a file; numbers are [Double], objects inside are left out.
  static List<Map<String, Object>> read(Path file) throws IOException {
    List<Map<String, Object>> objects = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      Map<String, Object> object = new LinkedHashMap<>();
      try (JsonParser json = JSON.createParser(line)) {
        json.nextToken();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String name = json.currentName();
          JsonToken token = json.nextToken();
          if (token.isNumeric()) {
            object.put(name, json.getDoubleValue());
          } else if (token.isStructStart()) {
            json.skipChildren();
          } else {
            object.put(name, json.getText());
          }
        }
      }
      objects.add(object);
    }
    return objects;
  }
}

package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.RecoveryReport;
import dev.kvstore.StoreIoException;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/// The file `RECOVERY.json`: the report of the last open for writing, for machines and for people who
/// come later. Replaced at each open; nothing depends on it.
final class RecoveryReceipt {
  static final String NAME = "RECOVERY.json";
  static final String NEXT_NAME = "RECOVERY.json.tmp";

  private RecoveryReceipt() {}

  /// Writes the receipt. One that cannot be written is done without: the store is open all the same.
  static void write(Directory directory, RecoveryReport report) {
    try {
      List<String> names = directory.list();
      if (names.contains(NEXT_NAME)) {
        directory.remove(NEXT_NAME);
      }
      try (FileHandle file = directory.create(NEXT_NAME)) {
        file.write(0, MemorySegment.ofArray(toJson(report).getBytes(StandardCharsets.UTF_8)));
      }
      directory.rename(NEXT_NAME, NAME);
    } catch (StoreIoException e) {
      System.getLogger(RecoveryReceipt.class.getName())
          .log(System.Logger.Level.WARNING, "no recovery receipt: {0}", e.getMessage());
    }
  }

  // Put together by hand, in loops: this is written by every open, and in a JVM that has just
  // started
  // the first use of a formatter or a stream takes longer than all else there is to do.
  static String toJson(RecoveryReport report) {
    StringBuilder json = new StringBuilder("{\n");
    field(json, "outcome", quoted(report.outcome().name()));
    field(json, "indexSource", quoted(report.indexSource().name()));
    field(json, "segments", report.segments());
    field(json, "segmentsFromHints", report.segmentsFromHints());
    field(json, "segmentsScanned", report.segmentsScanned());
    field(json, "recordsRead", report.recordsRead());
    field(json, "bytesRead", report.bytesRead());
    field(json, "keys", report.keys());
    field(json, "lastSequence", report.lastSequence());
    field(json, "durableSequence", report.durableSequence());
    field(json, "tailBytesCut", report.tailBytesCut());
    field(json, "tailReason", quoted(report.tailReason()));
    field(json, "filesIgnored", strings(report.filesIgnored()));
    field(json, "leftoversRemoved", strings(report.leftoversRemoved()));
    field(json, "damages", damages(report.damages()));
    json.append("  \"durationMillis\": ").append(report.duration().toMillis()).append("\n}\n");
    return json.toString();
  }

  private static void field(StringBuilder json, String name, Object value) {
    json.append("  \"").append(name).append("\": ").append(value).append(",\n");
  }

  private static String damages(List<Damage> damages) {
    List<String> elements = new ArrayList<>();
    for (Damage damage : damages) {
      List<String> keys = new ArrayList<>();
      for (byte[] key : damage.keys()) {
        keys.add(HexFormat.of().formatHex(key));
      }
      elements.add(
          "{\"file\": "
              + quoted(damage.file())
              + ", \"offset\": "
              + damage.offset()
              + ", \"bytes\": "
              + damage.bytes()
              + ", \"problem\": "
              + quoted(damage.problem())
              + ", \"keysHex\": "
              + strings(keys)
              + "}");
    }
    return array(elements);
  }

  private static String strings(List<String> texts) {
    List<String> elements = new ArrayList<>();
    for (String text : texts) {
      elements.add(quoted(text));
    }
    return array(elements);
  }

  private static String array(List<String> elements) {
    return "[" + String.join(", ", elements) + "]";
  }

  private static String quoted(String text) {
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

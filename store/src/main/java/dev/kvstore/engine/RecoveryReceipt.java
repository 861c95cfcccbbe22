package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.RecoveryReport;
import dev.kvstore.StoreIoException;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

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

  static String toJson(RecoveryReport report) {
    return String.format(
        Locale.ROOT,
        """
        {
          "outcome": "%s",
          "indexSource": "%s",
          "segments": %d,
          "segmentsFromHints": %d,
          "segmentsScanned": %d,
          "recordsRead": %d,
          "bytesRead": %d,
          "keys": %d,
          "lastSequence": %d,
          "durableSequence": %d,
          "tailBytesCut": %d,
          "tailReason": %s,
          "filesIgnored": %s,
          "leftoversRemoved": %s,
          "damages": %s,
          "durationMillis": %d
        }
        """,
        report.outcome(),
        report.indexSource(),
        report.segments(),
        report.segmentsFromHints(),
        report.segmentsScanned(),
        report.recordsRead(),
        report.bytesRead(),
        report.keys(),
        report.lastSequence(),
        report.durableSequence(),
        report.tailBytesCut(),
        quoted(report.tailReason()),
        array(report.filesIgnored().stream().map(RecoveryReceipt::quoted).toList()),
        array(report.leftoversRemoved().stream().map(RecoveryReceipt::quoted).toList()),
        array(report.damages().stream().map(RecoveryReceipt::damage).toList()),
        report.duration().toMillis());
  }

  private static String damage(Damage damage) {
    return String.format(
        Locale.ROOT,
        "{\"file\": %s, \"offset\": %d, \"bytes\": %d, \"problem\": %s, \"keysHex\": %s}",
        quoted(damage.file()),
        damage.offset(),
        damage.bytes(),
        quoted(damage.problem()),
        array(damage.keys().stream().map(key -> quoted(HexFormat.of().formatHex(key))).toList()));
  }

  private static String array(List<String> elements) {
    return elements.stream().collect(Collectors.joining(", ", "[", "]"));
  }

  private static String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < ' ') {
        json.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    return json.append('"').toString();
  }
}

package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.RecoveryReport;
import dev.kvstore.RecoveryReport.Dropped;
import dev.kvstore.RecoveryReport.Outcome;
import dev.kvstore.RecoveryReport.Source;
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

  /// Writes the receipt, and adds it to the history if it has something to tell. What cannot be written
  /// is done without: the store is open all the same.
  static void write(Directory directory, RecoveryReport report) {
    try {
      replace(directory, NAME, NEXT_NAME, toJson(report), false);
      if (isEventful(report)) {
        RecoveryHistory.add(directory, report);
      }
    } catch (StoreIoException e) {
      System.getLogger(RecoveryReceipt.class.getName())
          .log(System.Logger.Level.WARNING, "no recovery receipt: {0}", e.getMessage());
    }
  }

  /// Whether the open found anything but a store that had been closed, or none.
  private static boolean isEventful(RecoveryReport report) {
    boolean usual = report.outcome() == Outcome.CLEAN || report.outcome() == Outcome.CREATED;
    return !usual || !report.filesIgnored().isEmpty() || !report.leftoversRemoved().isEmpty();
  }

  /// Puts a text in the place of a file, as a whole or not at all if the process ends meanwhile.
  ///
  /// @param forced whether that holds for a power loss too, after which the file of before may be there
  static void replace(
      Directory directory, String name, String nextName, String text, boolean forced) {
    if (directory.list().contains(nextName)) {
      directory.remove(nextName);
    }
    try (FileHandle file = directory.create(nextName)) {
      file.write(0, MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8)));
      if (forced) {
        file.force();
      }
    } catch (StoreIoException e) {
      try {
        directory.remove(nextName); // on a full disk every block counts
      } catch (StoreIoException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
    directory.rename(nextName, name);
  }

  // Put together by hand, in loops: this is written by every open, and in a JVM that has just
  // started the first use of a formatter or a stream takes longer than all else there is to do.
  static String toJson(RecoveryReport report) {
    StringBuilder json = new StringBuilder("{\n");
    fields(json, report, "  ", " ", ",\n");
    return json.append("\n}\n").toString();
  }

  /// The same fields on one line, without the braces.
  static String toLine(RecoveryReport report) {
    StringBuilder json = new StringBuilder();
    fields(json, report, "", "", ",");
    return json.toString();
  }

  private static void fields(
      StringBuilder json, RecoveryReport report, String indent, String space, String comma) {
    JsonFields fields = new JsonFields(json, indent, space, comma);
    fields.add("outcome", JsonFields.quoted(report.outcome().name()));
    fields.add("openedAtMillis", report.openedAt().toEpochMilli());
    fields.add("version", JsonFields.quoted(report.version()));
    fields.add("formatVersion", report.formatVersion());
    fields.add("indexSource", JsonFields.quoted(report.indexSource().name()));
    fields.add("segments", report.segments());
    fields.add("segmentsFromHints", report.segmentsFromHints());
    fields.add("segmentsScanned", report.segmentsScanned());
    fields.add("recordsRead", report.recordsRead());
    fields.add("bytesRead", report.bytesRead());
    fields.add("sources", sources(report.sources()));
    fields.add("keys", report.keys());
    fields.add("lastSequence", report.lastSequence());
    fields.add("durableSequence", report.durableSequence());
    fields.add("tailBytesCut", report.tailBytesCut());
    fields.add("tailReason", JsonFields.quoted(report.tailReason()));
    fields.add("dropped", dropped(report.dropped()));
    fields.add("filesIgnored", strings(report.filesIgnored()));
    fields.add("leftoversRemoved", strings(report.leftoversRemoved()));
    fields.add("damages", damages(report.damages()));
    fields.add("durationMillis", report.duration().toMillis());
  }

  private static String sources(List<Source> sources) {
    List<String> elements = new ArrayList<>();
    for (Source source : sources) {
      elements.add(
          JsonFields.inLine()
              .add("file", JsonFields.quoted(source.file()))
              .add("from", source.from())
              .add("to", source.to())
              .add("records", source.records())
              .object());
    }
    return array(elements);
  }

  private static String dropped(List<Dropped> stretches) {
    List<String> elements = new ArrayList<>();
    for (Dropped stretch : stretches) {
      elements.add(toJson(stretch));
    }
    return array(elements);
  }

  static String toJson(Dropped stretch) {
    return JsonFields.inLine()
        .add("file", JsonFields.quoted(stretch.file()))
        .add("offset", stretch.offset())
        .add("bytes", stretch.bytes())
        .add("reason", JsonFields.quoted(stretch.reason()))
        .add("records", stretch.records())
        .add("firstSequence", stretch.firstSequence())
        .add("lastSequence", stretch.lastSequence())
        .add("keyCount", stretch.keyCount())
        .add("keysHex", keys(stretch.keys()))
        .object();
  }

  private static String damages(List<Damage> damages) {
    List<String> elements = new ArrayList<>();
    for (Damage damage : damages) {
      elements.add(toJson(damage));
    }
    return array(elements);
  }

  static String toJson(Damage damage) {
    return JsonFields.inLine()
        .add("file", JsonFields.quoted(damage.file()))
        .add("offset", damage.offset())
        .add("bytes", damage.bytes())
        .add("problem", JsonFields.quoted(damage.problem()))
        .add("keysHex", keys(damage.keys()))
        .object();
  }

  private static String keys(List<byte[]> keys) {
    List<String> elements = new ArrayList<>();
    for (byte[] key : keys) {
      elements.add("\"" + HexFormat.of().formatHex(key) + "\"");
    }
    return array(elements);
  }

  private static String strings(List<String> texts) {
    List<String> elements = new ArrayList<>();
    for (String text : texts) {
      elements.add(JsonFields.quoted(text));
    }
    return array(elements);
  }

  private static String array(List<String> elements) {
    return "[" + String.join(", ", elements) + "]";
  }
}

package dev.kvstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.kvstore.Damage;
import dev.kvstore.StoreInspector;
import dev.kvstore.VerifyReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `verify`: checks every checksum of a store.
@Command(
    name = "verify",
    description = {
      "Checks every checksum of the store.",
      "Names file and offset of whatever is damaged, with exit code 3. Changes nothing.",
    },
    footer = {
      "--json: intact, files, records, bytes, keys, tailBytes, notes, damages (file, offset, bytes,"
          + " problem, keys), nanos.",
    })
final class VerifyVerb extends Verb {
  private static final int KEYS_NAMED_MAX = 5;
  private static final int KEY_CHARACTERS_MAX = 60;

  @Option(names = "--json", description = "Print a JSON object.")
  private boolean json;

  @Override
  int run() throws IOException {
    Path files = files();
    VerifyReport report;
    try (ProgressRow progress = ProgressRow.ofBytes(streams(), "verify", -1)) {
      report = StoreInspector.verify(files, progress);
    }
    if (json) {
      printJson(report);
    } else {
      print(report);
    }
    if (report.isIntact()) {
      return ExitCode.DONE;
    }
    Failures.warn(
        Units.count(report.damages().size(), "damage")
            + " found in "
            + files
            + "; 'kvstore salvage --to DIR' copies what is good",
        streams());
    return ExitCode.STORE_ERROR;
  }

  private void print(VerifyReport report) {
    for (String note : report.notes()) {
      out().line("note: " + Escapes.message(note));
    }
    if (report.tailBytes() > 0) {
      out()
          .line(
              "note: "
                  + Units.count(report.tailBytes(), "byte")
                  + " behind the last whole write, which the next open cuts; no damage");
    }
    for (Damage damage : report.damages()) {
      out().line("damage: " + line(damage));
    }
    out()
        .line(
            (report.isIntact() ? "intact: " : "damaged: ")
                + Units.count(report.files(), "file")
                + ", "
                + Units.count(report.records(), "record")
                + ", "
                + Units.count(report.keys(), "key")
                + ", "
                + Units.bytes(report.bytes())
                + " in "
                + Units.nanos(report.duration().toNanos()));
  }

  /// A damage as one line.
  static String line(Damage damage) {
    StringBuilder line = new StringBuilder();
    line.append(damage.file()).append(" @ ").append(damage.offset());
    line.append(", ").append(Units.count(damage.bytes(), "byte")).append(": ");
    line.append(Escapes.message(damage.problem()));
    List<byte[]> keys = damage.keys();
    if (!keys.isEmpty()) {
      line.append("; keys:");
      for (byte[] key : keys.subList(0, Math.min(keys.size(), KEYS_NAMED_MAX))) {
        line.append(' ').append(Escapes.line(key, KEY_CHARACTERS_MAX));
      }
      if (keys.size() > KEYS_NAMED_MAX) {
        line.append(" and ").append(Units.count(keys.size() - KEYS_NAMED_MAX)).append(" more");
      }
    }
    return line.toString();
  }

  private void printJson(VerifyReport report) throws IOException {
    try (JsonGenerator generator = JsonLines.generator(out())) {
      generator.writeStartObject();
      generator.writeBooleanField("intact", report.isIntact());
      generator.writeNumberField("files", report.files());
      generator.writeNumberField("records", report.records());
      generator.writeNumberField("bytes", report.bytes());
      generator.writeNumberField("keys", report.keys());
      generator.writeNumberField("tailBytes", report.tailBytes());
      generator.writeArrayFieldStart("notes");
      for (String note : report.notes()) {
        generator.writeString(note);
      }
      generator.writeEndArray();
      writeDamages(generator, report.damages());
      generator.writeNumberField("nanos", report.duration().toNanos());
      generator.writeEndObject();
      generator.writeRaw('\n');
    }
  }

  /// Writes the field `damages`.
  static void writeDamages(JsonGenerator generator, List<Damage> damages) throws IOException {
    generator.writeArrayFieldStart("damages");
    for (Damage damage : damages) {
      generator.writeStartObject();
      generator.writeStringField("file", damage.file());
      generator.writeNumberField("offset", damage.offset());
      generator.writeNumberField("bytes", damage.bytes());
      generator.writeStringField("problem", damage.problem());
      generator.writeArrayFieldStart("keys");
      for (byte[] key : damage.keys()) {
        generator.writeStartObject();
        JsonLines.writeBytes(generator, "key", key);
        generator.writeEndObject();
      }
      generator.writeEndArray();
      generator.writeEndObject();
    }
    generator.writeEndArray();
  }
}

package dev.kvstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.kvstore.RecordInfo;
import dev.kvstore.StoreInspector;
import java.io.IOException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `inspect`: shows the log record by record.
@Command(
    name = "inspect",
    description = {
      "Shows the log record by record.",
      "Live or not; with FILE only that segment; with FILE and OFFSET the bytes of one record."
          + " Changes nothing.",
    },
    footer = {
      "--json: file, offset, bytes, kind (PUT, DELETE, MARK, SEAL, DAMAGED, TAIL), type, sequence,"
          + " timestampMillis, batchLeft, key, valueBytes, intact, problem. Of one record: file,"
          + " offset, hex.",
    })
final class InspectVerb extends Verb {
  private static final int KEY_CHARACTERS_MAX = 60;
  private static final int HEX_COLUMNS = 16;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "FILE",
      description = "Name of a segment file.")
  private @Nullable String file;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "OFFSET",
      description = "Where in the file a record begins.")
  private @Nullable String offset;

  @Option(names = "--limit", paramLabel = "N", description = "At most N records.")
  private @Nullable String limit;

  @Option(names = "--json", description = "Print JSON objects.")
  private boolean json;

  @Override
  int run() throws IOException {
    if (file != null && offset != null) {
      return printRecord(file, parse("OFFSET", offset));
    }
    long records = limit == null ? Long.MAX_VALUE : parse("--limit", limit);
    try (Stream<RecordInfo> all = StoreInspector.records(files())) {
      Iterator<RecordInfo> chosen =
          all.filter(record -> file == null || record.file().equals(file))
              .limit(records)
              .iterator();
      if (json) {
        printJson(chosen);
      } else {
        print(chosen);
      }
    }
    return ExitCode.DONE;
  }

  private static long parse(String what, String text) {
    if (!text.matches("[0-9]{1,18}")) {
      throw new BadInputException(what + " must be a number, 0 or more, not " + text);
    }
    return Long.parseLong(text);
  }

  private void print(Iterator<RecordInfo> records) {
    String heading = "%-16s %12s %-7s %12s %10s %10s %-24s %-5s %s";
    out()
        .line(
            String.format(
                Locale.ROOT,
                heading,
                "file",
                "offset",
                "kind",
                "sequence",
                "bytes",
                "value",
                "time",
                "check",
                "key"));
    while (records.hasNext()) {
      RecordInfo record = records.next();
      out()
          .line(
              String.format(
                      Locale.ROOT,
                      heading,
                      record.file(),
                      record.offset(),
                      record.kind(),
                      record.sequence(),
                      record.bytes(),
                      record.kind() == RecordInfo.Kind.PUT
                          ? record.valueBytes() + " " + letter(record)
                          : "",
                      time(record),
                      record.intact() ? "ok" : "BAD",
                      Escapes.line(record.key(), KEY_CHARACTERS_MAX)
                          + (record.intact() ? "" : "  " + Escapes.message(record.problem())))
                  .stripTrailing());
    }
  }

  /// The type of a value by its first letter: s, i, f or b.
  private static char letter(RecordInfo record) {
    return ValueType.of(record.encoding()).word().charAt(0);
  }

  private static String time(RecordInfo record) {
    try {
      return record.timestampMillis() == 0
          ? ""
          : Instant.ofEpochMilli(record.timestampMillis()).toString();
    } catch (DateTimeException e) {
      return "?";
    }
  }

  private void printJson(Iterator<RecordInfo> records) throws IOException {
    try (JsonGenerator generator = JsonLines.generator(out())) {
      while (records.hasNext()) {
        RecordInfo record = records.next();
        generator.writeStartObject();
        generator.writeStringField("file", record.file());
        generator.writeNumberField("offset", record.offset());
        generator.writeNumberField("bytes", record.bytes());
        generator.writeStringField("kind", record.kind().toString());
        generator.writeStringField("type", ValueType.of(record.encoding()).word());
        generator.writeNumberField("sequence", record.sequence());
        generator.writeNumberField("timestampMillis", record.timestampMillis());
        generator.writeNumberField("batchLeft", record.batchLeft());
        JsonLines.writeBytes(generator, "key", record.key());
        generator.writeNumberField("valueBytes", record.valueBytes());
        generator.writeBooleanField("intact", record.intact());
        generator.writeStringField("problem", record.problem());
        generator.writeEndObject();
        generator.writeRaw('\n');
      }
    }
  }

  private int printRecord(String name, long at) throws IOException {
    Path files = files();
    byte[] bytes;
    try {
      bytes = StoreInspector.recordBytes(files, name, at);
    } catch (IllegalArgumentException e) {
      throw new BadInputException(String.valueOf(e.getMessage()), e);
    }
    if (json) {
      try (JsonGenerator generator = JsonLines.generator(out())) {
        generator.writeStartObject();
        generator.writeStringField("file", name);
        generator.writeNumberField("offset", at);
        generator.writeStringField("hex", HexFormat.of().formatHex(bytes));
        generator.writeEndObject();
        generator.writeRaw('\n');
      }
      return ExitCode.DONE;
    }
    for (int from = 0; from < bytes.length; from += HEX_COLUMNS) {
      out().line(hexRow(bytes, from, at + from));
    }
    return ExitCode.DONE;
  }

  private static String hexRow(byte[] bytes, int from, long address) {
    StringBuilder hex = new StringBuilder();
    StringBuilder text = new StringBuilder();
    for (int i = from; i < Math.min(from + HEX_COLUMNS, bytes.length); i++) {
      hex.append(String.format(Locale.ROOT, "%02x ", bytes[i]));
      hex.append(i - from == HEX_COLUMNS / 2 - 1 ? " " : "");
      text.append(bytes[i] >= ' ' && bytes[i] < 127 ? (char) bytes[i] : '.');
    }
    return String.format(Locale.ROOT, "%08x  %-50s |%s|", address, hex, text);
  }
}

package dev.kvstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.kvstore.Stats;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `stats`: what a store holds and where its bytes are.
@Command(
    name = "stats",
    description = "Tells what the store holds and what compaction would do.",
    footer = {
      "--json: keys, diskBytes, liveBytes, garbageBytes, indexBytes, lastSequence, durableSequence,"
          + " gets, puts, deletes, syncs, syncsFailed, corruptReads, compactions,"
          + " compactionBytesWritten, compactionState, nextVictim (or null), failure, and segments:"
          + " id, state, bytes, garbageBytes, liveBytes, records (or null).",
    })
final class StatsVerb extends Verb {
  private static final Stats NOTHING =
      new Stats(
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          "there is no store yet",
          OptionalLong.empty(),
          Stats.Scrub.NONE,
          "",
          List.of());

  @Option(names = "--json", description = "Print a JSON object.")
  private boolean json;

  @Override
  int run() throws IOException {
    Stats stats =
        reading(store -> Optional.of(store.stats()), Optional::<Stats>empty).orElse(NOTHING);
    if (json) {
      printJson(stats);
    } else {
      printTable(stats);
      printSegments(stats);
    }
    return ExitCode.DONE;
  }

  private void printTable(Stats stats) {
    row("directory", directory().toString());
    row("keys", Units.count(stats.keys()));
    row("on disk", sized(stats.diskBytes()));
    row("live", sized(stats.liveBytes()));
    row(
        "garbage",
        sized(stats.garbageBytes())
            + ", "
            + Units.percent(stats.garbageBytes(), stats.liveBytes() + stats.garbageBytes())
            + " of the log");
    row(
        "index",
        sized(stats.indexBytes())
            + String.format(Locale.ROOT, ", %.1f B per key", stats.indexBytesPerKey()));
    row(
        "sequence",
        "last "
            + Units.count(stats.lastSequence())
            + ", durable "
            + Units.count(stats.durableSequence()));
    row("compaction", stats.compactionState());
    row(
        "next victim",
        stats.nextVictim().isPresent()
            ? "segment " + stats.nextVictim().getAsLong()
            : "none, no segment has garbage");
    if (!stats.failure().isEmpty()) {
      row("failure", stats.failure());
    }
    if (kvstore().access().isShell()) {
      row(
          "since open",
          Units.count(stats.gets(), "get")
              + ", "
              + Units.count(stats.puts(), "put")
              + ", "
              + Units.count(stats.deletes(), "delete")
              + ", "
              + Units.count(stats.syncs(), "sync"));
    }
  }

  private void row(String name, String value) {
    out().line(String.format(Locale.ROOT, "%-13s", name) + Escapes.message(value));
  }

  private static String sized(long bytes) {
    return bytes < 1024
        ? Units.bytes(bytes)
        : Units.bytes(bytes) + " (" + Units.count(bytes) + " B)";
  }

  private void printSegments(Stats stats) {
    if (stats.segments().isEmpty()) {
      return;
    }
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"segment", "state", "bytes", "garbage", "share", "records"});
    for (Stats.Segment segment : stats.segments()) {
      rows.add(
          new String[] {
            Long.toString(segment.id()),
            segment.state().toString().toLowerCase(Locale.ROOT),
            Units.bytes(segment.bytes()),
            Units.bytes(segment.garbageBytes()),
            Units.percent(segment.garbageBytes(), segment.bytes()),
            segment.records().isPresent() ? Units.count(segment.records().getAsLong()) : "-"
          });
    }
    out().line("");
    new TextTable(rows).print(out());
  }

  private void printJson(Stats stats) throws IOException {
    try (JsonGenerator generator = JsonLines.generator(out())) {
      generator.writeStartObject();
      generator.writeNumberField("keys", stats.keys());
      generator.writeNumberField("diskBytes", stats.diskBytes());
      generator.writeNumberField("liveBytes", stats.liveBytes());
      generator.writeNumberField("garbageBytes", stats.garbageBytes());
      generator.writeNumberField("indexBytes", stats.indexBytes());
      generator.writeNumberField("lastSequence", stats.lastSequence());
      generator.writeNumberField("durableSequence", stats.durableSequence());
      generator.writeNumberField("gets", stats.gets());
      generator.writeNumberField("puts", stats.puts());
      generator.writeNumberField("deletes", stats.deletes());
      generator.writeNumberField("syncs", stats.syncs());
      generator.writeNumberField("syncsFailed", stats.syncsFailed());
      generator.writeNumberField("corruptReads", stats.corruptReads());
      generator.writeNumberField("compactions", stats.compactions());
      generator.writeNumberField("compactionBytesWritten", stats.compactionBytesWritten());
      generator.writeStringField("compactionState", stats.compactionState());
      if (stats.nextVictim().isPresent()) {
        generator.writeNumberField("nextVictim", stats.nextVictim().getAsLong());
      } else {
        generator.writeNullField("nextVictim");
      }
      generator.writeStringField("failure", stats.failure());
      generator.writeArrayFieldStart("segments");
      for (Stats.Segment segment : stats.segments()) {
        generator.writeStartObject();
        generator.writeNumberField("id", segment.id());
        generator.writeStringField("state", segment.state().toString());
        generator.writeNumberField("bytes", segment.bytes());
        generator.writeNumberField("garbageBytes", segment.garbageBytes());
        generator.writeNumberField("liveBytes", segment.liveBytes());
        if (segment.records().isPresent()) {
          generator.writeNumberField("records", segment.records().getAsLong());
        } else {
          generator.writeNullField("records");
        }
        generator.writeEndObject();
      }
      generator.writeEndArray();
      generator.writeEndObject();
      generator.writeRaw('\n');
    }
  }
}

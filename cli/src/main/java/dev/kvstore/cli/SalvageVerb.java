package dev.kvstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.kvstore.Damage;
import dev.kvstore.RecoveryReport.Dropped;
import dev.kvstore.SalvageReport;
import dev.kvstore.StoreInspector;
import dev.kvstore.StoreInspector.Provenance;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `salvage`: copies what is good out of a damaged store.
@Command(
    name = "salvage",
    description = {
      "Copies what is good out of a damaged store.",
      "The newest intact record of every key goes into a new store; what could not be copied is"
          + " named. The damaged store is not written to. Where each record comes from is told by the"
          + " file SALVAGE.jsonl in the new directory.",
      "Exit code 0 also if something could not be copied: what can be had is there, what cannot is in"
          + " the output.",
    },
    footer = {
      "--json: keys, recordsRead, damages (file, offset, bytes, problem, keys), dropped (file, offset,"
          + " bytes, reason, records, firstSequence, lastSequence, keyCount), provenance (or null),"
          + " nanos.",
    })
final class SalvageVerb extends Verb {
  @Option(
      names = "--to",
      required = true,
      paramLabel = "DIR",
      description = "Directory of the new store; empty, or not there yet.")
  private String target = "";

  @Option(names = "--no-provenance", description = "Do not write SALVAGE.jsonl.")
  private boolean withoutProvenance;

  @Option(names = "--json", description = "Print a JSON object.")
  private boolean json;

  @Override
  int run() throws IOException {
    if (target.isEmpty()) {
      throw new BadInputException("--to is empty; it names the directory of the new store");
    }
    Path to = Path.of(target);
    Path files = files();
    SalvageReport report;
    try (ProgressRow progress = ProgressRow.ofBytes(streams(), "salvage", -1)) {
      Provenance provenance = withoutProvenance ? Provenance.NONE : Provenance.EACH_RECORD;
      report = StoreInspector.salvage(files, to, provenance, progress);
    }
    if (json) {
      printJson(report);
      return ExitCode.DONE;
    }
    for (Damage damage : report.damages()) {
      out().line("lost: " + VerifyVerb.line(damage));
    }
    for (Dropped dropped : report.dropped()) {
      out()
          .line(
              "behind the end of the log: "
                  + dropped.file()
                  + " @ "
                  + dropped.offset()
                  + ", "
                  + Units.count(dropped.bytes(), "byte")
                  + ", "
                  + Units.count(dropped.keyCount(), "key")
                  + ": "
                  + Escapes.message(dropped.reason()));
    }
    out()
        .line(
            "salvaged "
                + Units.count(report.keys(), "key")
                + " into "
                + target
                + " from "
                + Units.count(report.recordsRead(), "record")
                + " in "
                + Units.nanos(report.duration().toNanos())
                + report
                    .provenance()
                    .map(file -> "; see " + Escapes.message(file.toString()))
                    .orElse(""));
    return ExitCode.DONE;
  }

  private void printJson(SalvageReport report) throws IOException {
    try (JsonGenerator generator = JsonLines.generator(out())) {
      generator.writeStartObject();
      generator.writeNumberField("keys", report.keys());
      generator.writeNumberField("recordsRead", report.recordsRead());
      VerifyVerb.writeDamages(generator, report.damages());
      generator.writeArrayFieldStart("dropped");
      for (Dropped dropped : report.dropped()) {
        generator.writeStartObject();
        generator.writeStringField("file", dropped.file());
        generator.writeNumberField("offset", dropped.offset());
        generator.writeNumberField("bytes", dropped.bytes());
        generator.writeStringField("reason", dropped.reason());
        generator.writeNumberField("records", dropped.records());
        generator.writeNumberField("firstSequence", dropped.firstSequence());
        generator.writeNumberField("lastSequence", dropped.lastSequence());
        generator.writeNumberField("keyCount", dropped.keyCount());
        generator.writeEndObject();
      }
      generator.writeEndArray();
      if (report.provenance().isPresent()) {
        generator.writeStringField("provenance", report.provenance().get().toString());
      } else {
        generator.writeNullField("provenance");
      }
      generator.writeNumberField("nanos", report.duration().toNanos());
      generator.writeEndObject();
      generator.writeRaw('\n');
    }
  }
}

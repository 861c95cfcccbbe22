package dev.kvstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.kvstore.Damage;
import dev.kvstore.SalvageReport;
import dev.kvstore.StoreInspector;
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
          + " named. The damaged store is not written to.",
    },
    footer = "--json: keys, recordsRead, damages (file, offset, bytes, problem, keys), nanos.")
final class SalvageVerb extends Verb {
  @Option(
      names = "--to",
      required = true,
      paramLabel = "DIR",
      description = "Directory of the new store; empty, or not there yet.")
  private String target = "";

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
      report = StoreInspector.salvage(files, to, progress);
    }
    if (json) {
      printJson(report);
      return ExitCode.DONE;
    }
    for (Damage damage : report.damages()) {
      out().line("lost: " + VerifyVerb.line(damage));
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
                + Units.nanos(report.duration().toNanos()));
    return ExitCode.DONE;
  }

  private void printJson(SalvageReport report) throws IOException {
    try (JsonGenerator generator = JsonLines.generator(out())) {
      generator.writeStartObject();
      generator.writeNumberField("keys", report.keys());
      generator.writeNumberField("recordsRead", report.recordsRead());
      VerifyVerb.writeDamages(generator, report.damages());
      generator.writeNumberField("nanos", report.duration().toNanos());
      generator.writeEndObject();
      generator.writeRaw('\n');
    }
  }
}

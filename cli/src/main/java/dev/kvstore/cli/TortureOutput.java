package dev.kvstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.kvstore.Durability;
import dev.kvstore.torture.Phase;
import dev.kvstore.torture.RunDirectory;
import dev.kvstore.torture.TortureOptions;
import dev.kvstore.torture.TortureReport;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What `torture` says: what it is going to do, what it did and found, the verdict in the last line.
final class TortureOutput {
  private static final int LABEL_COLUMNS = 15;

  private final Output out;
  private final TortureOptions options;
  private final RunDirectory directory;
  private final String fileSystem;

  TortureOutput(Output out, TortureOptions options, RunDirectory directory) {
    this.out = out;
    this.options = options;
    this.directory = directory;
    this.fileSystem = fileSystem(directory.path());
  }

  private static String fileSystem(Path path) {
    try {
      FileStore store = Files.getFileStore(path);
      return store.type() + " on " + store.name();
    } catch (IOException e) {
      return "unknown";
    }
  }

  /// What is going to happen.
  void introduce() {
    out.line("KvStore " + Version.number() + ", store in " + directory.store());
    row("file system", fileSystem);
    row("policy", policies());
    row(
        "writers",
        "up to "
            + Units.count(options.threadsMax(), "thread")
            + ", "
            + options.keys()
            + " keys each, values up to "
            + Units.count(options.valueBytesMax(), "byte"));
    row("time", Units.nanos(options.duration().toNanos()));
    row("seed", Long.toString(options.seed()));
    if (!directory.earlier().isEmpty()) {
      row("left there", String.join(", ", directory.earlier()) + " of earlier runs; not touched");
    }
    out.line("");
    out.flush();
  }

  private String policies() {
    List<String> words = new ArrayList<>();
    for (Durability durability : options.durabilities()) {
      words.add(
          switch (durability) {
            case Durability.Always _ -> "always";
            case Durability.Os _ -> "os";
            case Durability.Every every -> "every=" + every.interval().toMillis() + "ms";
          });
    }
    return String.join(", ", words);
  }

  /// @param keeps whether the directory of the run is kept
  void print(TortureReport report, boolean keeps, boolean interrupted) {
    counts(report);
    for (String problem : report.problems()) {
      out.line("");
      problem.lines().map(Escapes::message).forEach(out::line);
    }
    if (keeps) {
      out.line("");
      explainEvidence();
    }
    out.line("");
    out.line(verdict(report, interrupted));
  }

  private void counts(TortureReport report) {
    row("rounds", Units.count(report.rounds()) + " in " + Units.nanos(report.duration().toNanos()));
    List<String> kills = new ArrayList<>();
    for (Phase phase : List.of(Phase.WRITING, Phase.COMPACTING, Phase.OPENING, Phase.CLOSING)) {
      kills.add(Units.count(report.kills(phase)) + " " + word(phase));
    }
    row("kills", Units.count(report.killsTotal()) + ": " + String.join(", ", kills));
    detail(Units.count(report.killsWhileRotating()) + " while segments were changed or sealed");
    if (report.killsByOthers() > 0) {
      detail(Units.count(report.killsByOthers()) + " more by somebody else");
    }
    row(
        "acknowledged",
        Units.count(report.writes(), "write")
            + ", of these "
            + Units.count(report.batches())
            + " in batches; "
            + Units.count(report.deletes(), "delete")
            + ", "
            + Units.bytes(report.valueBytes())
            + " of values");
    row(
        "under way",
        Units.count(report.underWayMade() + report.underWayNotMade(), "write")
            + " at the kills: "
            + Units.count(report.underWayMade())
            + " made as a whole, "
            + Units.count(report.underWayNotMade())
            + " not at all");
    row(
        "store",
        Units.count(report.opens(), "open")
            + ", "
            + Units.count(report.closes(), "close")
            + ", "
            + Units.count(report.compactions(), "compaction")
            + " on demand, "
            + Units.count(report.segments(), "segment"));
    row(
        "tails cut",
        Units.count(report.tailsCut())
            + ", "
            + Units.bytes(report.tailBytesCut())
            + " that were never acknowledged");
    row(
        "checked",
        Units.count(report.keysChecked(), "key")
            + ", "
            + Units.bytes(report.bytesChecked())
            + " of values, over all rounds");
    row("not tested", "power loss, and disks that lose what they were told to flush: a kill takes");
    detail("the process and leaves the operating system");
  }

  private void row(String label, String text) {
    out.line(label + " ".repeat(Math.max(1, LABEL_COLUMNS - label.length())) + text);
  }

  private void detail(String text) {
    row("", text);
  }

  private static String verdict(TortureReport report, boolean interrupted) {
    String when = interrupted ? ", interrupted after " : ", in ";
    String soFar =
        Units.count(report.killsTotal(), "kill")
            + " and "
            + Units.count(report.writes(), "acknowledged write")
            + when
            + Units.nanos(report.duration().toNanos());
    return switch (report.verdict()) {
      case PASSED -> "PASSED: nothing acknowledged is missing after " + soFar;
      case FAILED ->
          "FAILED: " + Escapes.message(report.problems().getFirst()) + " (after " + soFar + ")";
      case INCOMPLETE ->
          "INCOMPLETE: "
              + Escapes.message(report.incident())
              + "; nothing acknowledged is missing after "
              + soFar;
    };
  }

  /// What is left beside a store that lost something.
  String evidence(TortureReport report) {
    return "Kept by a run of kvstore torture that failed; KvStore "
        + Version.number()
        + ".\n\n"
        + String.join("\n", report.problems())
        + "\n\nstore/ is as the check has left it, ledger says what was acknowledged, writer.log what the last"
        + " writer said.\nThe same again: "
        + again();
  }

  private void explainEvidence() {
    Path kept = directory.path();
    out.line("Kept for you to look at, and to send along with a report: " + kept);
    detail("the store, the ledger of what was acknowledged, writer.log, ABOUT.txt");
    detail("kvstore verify -d " + kept.resolve("store"));
    out.line("The same again, though threads and clocks never run alike twice:");
    detail(again());
  }

  private String again() {
    return "kvstore torture --data-dir DIR --minutes "
        + minutes()
        + (options.durabilities().size() == 1 ? " --policy " + policies() : "")
        + " --threads "
        + options.threadsMax()
        + " --value-bytes "
        + options.valueBytesMax()
        + " --seed "
        + options.seed();
  }

  private String minutes() {
    return String.format(Locale.ROOT, "%.5f", options.duration().toMillis() / 60_000.0);
  }

  private static String word(Phase phase) {
    return phase.toString().toLowerCase(Locale.ROOT);
  }

  /// The same as one JSON object.
  void printJson(TortureReport report, boolean keeps, boolean interrupted) throws IOException {
    try (JsonGenerator generator = JsonLines.generator(out)) {
      generator.writeStartObject();
      generator.writeStringField("verdict", report.verdict().toString());
      generator.writeNumberField("seed", options.seed());
      generator.writeNumberField("rounds", report.rounds());
      generator.writeObjectFieldStart("kills");
      for (Phase phase : Phase.values()) {
        generator.writeNumberField(word(phase), report.kills(phase));
      }
      generator.writeEndObject();
      generator.writeNumberField("killsWhileRotating", report.killsWhileRotating());
      generator.writeNumberField("killsByOthers", report.killsByOthers());
      generator.writeNumberField("writes", report.writes());
      generator.writeNumberField("batches", report.batches());
      generator.writeNumberField("deletes", report.deletes());
      generator.writeNumberField("valueBytes", report.valueBytes());
      generator.writeNumberField("underWayMade", report.underWayMade());
      generator.writeNumberField("underWayNotMade", report.underWayNotMade());
      generator.writeNumberField("opens", report.opens());
      generator.writeNumberField("closes", report.closes());
      generator.writeNumberField("compactions", report.compactions());
      generator.writeNumberField("segments", report.segments());
      generator.writeNumberField("tailsCut", report.tailsCut());
      generator.writeNumberField("tailBytesCut", report.tailBytesCut());
      generator.writeNumberField("keysChecked", report.keysChecked());
      generator.writeNumberField("bytesChecked", report.bytesChecked());
      generator.writeArrayFieldStart("problems");
      for (String problem : report.problems()) {
        generator.writeString(problem);
      }
      generator.writeEndArray();
      generator.writeStringField("incident", report.incident());
      generator.writeBooleanField("interrupted", interrupted);
      generator.writeStringField("fileSystem", fileSystem);
      generator.writeStringField("directory", keeps ? directory.path().toString() : null);
      generator.writeNumberField("nanos", report.duration().toNanos());
      generator.writeEndObject();
      generator.writeRaw('\n');
    }
  }
}

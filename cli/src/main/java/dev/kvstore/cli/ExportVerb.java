package dev.kvstore.cli;

import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Iterator;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `export`: writes keys and values to a file.
///
/// A file appears under its name only when it is complete; until then it is a hidden one beside it.
@Command(
    name = "export",
    description = {
      "Writes all keys and values to a file.",
      "'import' reads them back byte for byte, with their types. FILE appears, or is replaced, only"
          + " when it is complete.",
    },
    footer = {
      BulkFormat.JSONL_HELP,
      BulkFormat.CSV_HELP,
      BulkFormat.TSV_HELP,
      BulkFormat.BINARY_HELP,
    })
final class ExportVerb extends Verb {
  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "FILE",
      description = "The file, whose ending tells the format; '-' is standard output.")
  private String file = "-";

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      completionCandidates = BulkFormat.Candidates.class,
      description = "jsonl, csv or tsv; needed where the ending does not tell. '-': jsonl.")
  private @Nullable String format;

  @Mixin private KeySelection selection = new KeySelection();

  @Override
  int run() throws IOException {
    BulkFormat chosen = BulkFormat.of(format, file);
    Predicate<byte[]> wanted = selection.test(new Notation());
    long limit = selection.limit();
    if (file.equals("-")) {
      export(out(), chosen, wanted, limit);
      return ExitCode.DONE;
    }
    Path target = Path.of(file);
    if (Files.isDirectory(target)) {
      throw new BadInputException(target + " is a directory, not a file");
    }
    long begin = System.nanoTime();
    long count = exportTo(target, chosen, wanted, limit);
    out()
        .line(
            "exported "
                + Units.count(count, "record")
                + " to "
                + file
                + " in "
                + Units.nanos(System.nanoTime() - begin));
    return ExitCode.DONE;
  }

  private long exportTo(Path target, BulkFormat chosen, Predicate<byte[]> wanted, long limit)
      throws IOException {
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      try (OutputStream device = Files.newOutputStream(target)) {
        return export(device, chosen, wanted, limit);
      }
    }
    Path parent = target.toAbsolutePath().getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw new BadInputException("cannot write " + target + ": there is no directory for it");
    }
    Path part =
        parent.resolve("." + target.getFileName() + "." + ProcessHandle.current().pid() + ".part");
    try (Interrupts.Registration _ = kvstore().interrupts().onInterrupt(() -> discard(part))) {
      long count;
      try (OutputStream out =
          Files.newOutputStream(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        count = export(out, chosen, wanted, limit);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      return count;
    } catch (IOException e) {
      throw new IOException("cannot write " + target + ": " + Failures.ofFile(e), e);
    } finally {
      discard(part);
    }
  }

  private static void discard(Path part) {
    try {
      Files.deleteIfExists(part);
    } catch (IOException e) {
      // It is in nobody's way, and what went wrong before is what matters.
    }
  }

  private long export(OutputStream to, BulkFormat chosen, Predicate<byte[]> wanted, long limit)
      throws IOException {
    OutputStream out = new BufferedOutputStream(to, 64 << 10);
    long count;
    try (EntryWriter writer = chosen.writer(out)) {
      count = reading(store -> write(store, writer, wanted, limit), () -> 0L);
    }
    out.flush();
    return count;
  }

  private long write(KvStore store, EntryWriter writer, Predicate<byte[]> wanted, long limit)
      throws IOException {
    long count = 0;
    try (Stream<Entry> all = store.entries().filter(entry -> wanted.test(entry.key()));
        ProgressRow progress = ProgressRow.ofPieces(streams(), "export", store.size())) {
      for (Iterator<Entry> entries = all.limit(limit).iterator(); entries.hasNext(); ) {
        writer.write(entries.next());
        count++;
        progress.at(count);
        if (count % 1000 == 0) {
          progress.records(count);
        }
      }
    }
    return count;
  }
}

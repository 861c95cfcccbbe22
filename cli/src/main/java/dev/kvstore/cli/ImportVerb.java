package dev.kvstore.cli;

import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.StoreException;
import dev.kvstore.Value;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `import`: reads keys and values from a file.
///
/// - Entries go into the store in the order of the file, in chunks that wait for durability once.
///   So whatever ends an import, what it leaves is a prefix of the file.
/// - Memory: one chunk and one entry.
/// - Interrupt: the action runs on another thread while this one may be blocked in a read, so it
///   closes the store itself; both hold the lock of this object while they use the store.
@Command(
    name = "import",
    description = {
      "Reads keys and values from a file.",
      "Keys that are there already are overwritten. When it returns, everything is on the disk.",
    },
    footer = {
      BulkFormat.JSONL_HELP,
      BulkFormat.CSV_HELP,
      BulkFormat.TSV_HELP,
      BulkFormat.BINARY_HELP,
      "",
      "A bad line ends the import with its number and the reason; the lines before it are in the"
          + " store. So it is with Ctrl-C.",
    })
final class ImportVerb extends Verb {
  private static final int CHUNK_ENTRIES_MAX = 1000;
  private static final long CHUNK_BYTES_MAX = 4 << 20;

  /// How many skipped lines are named one by one.
  private static final int SKIPPED_NAMED_MAX = 10;

  @Parameters(
      index = "0",
      paramLabel = "FILE",
      description = "The file, whose ending tells the format; '-' is standard input.")
  private String file = "";

  @Option(
      names = "--format",
      paramLabel = "FORMAT",
      completionCandidates = BulkFormat.Candidates.class,
      description = "jsonl, csv or tsv; needed where the ending does not tell. '-': jsonl.")
  private @Nullable String format;

  @Option(names = "--skip-bad", description = "Count bad lines and go on.")
  private boolean skipBad;

  @Option(
      names = "--no-header",
      description = "CSV and TSV: the first line is data even if it looks like a header.")
  private boolean noHeader;

  @Option(
      names = "--json",
      description = "Print the outcome as {\"imported\":N,\"skipped\":N,\"nanos\":N}.")
  private boolean json;

  private final List<Entry> chunk = new ArrayList<>();
  private long chunkBytes;
  private long skipped;

  // Guarded by this.
  private long imported;
  private boolean stopped;

  @Override
  int run() throws IOException {
    BulkFormat chosen = BulkFormat.of(format, file);
    if (file.equals("-")) {
      if (kvstore().access().isShell()) {
        throw new BadInputException("inside a shell standard input is not free; name a file");
      }
      return importFrom(streams().in(), -1, chosen);
    }
    Path source = Path.of(file);
    if (Files.isDirectory(source)) {
      throw new BadInputException(source + " is a directory, not a file");
    }
    InputStream in;
    try {
      in = Files.newInputStream(source);
    } catch (IOException e) {
      throw new BadInputException("cannot read: " + Failures.ofFile(e), e);
    }
    try (in) {
      return importFrom(in, Files.isRegularFile(source) ? Files.size(source) : -1, chosen);
    }
  }

  private int importFrom(InputStream in, long bytes, BulkFormat chosen) throws IOException {
    EntryReader reader = chosen.reader(in, !noHeader);
    long begin = System.nanoTime();
    boolean complete =
        writing(store -> {
          try (ProgressRow progress = ProgressRow.ofBytes(streams(), "import", bytes);
              Interrupts.Registration _ = kvstore().interrupts().onInterrupt(() -> stop(store))) {
            return copy(reader, store, progress);
          }
        });
    if (!complete) {
      return ExitCode.INTERRUPTED;
    }
    report(System.nanoTime() - begin);
    return ExitCode.DONE;
  }

  /// Copies everything; false if stopped before the end.
  private boolean copy(EntryReader reader, KvStore store, ProgressRow progress) throws IOException {
    while (true) {
      Entry entry;
      try {
        entry = reader.next();
      } catch (BadLineException e) {
        if (!skipBad) {
          if (!flush(store)) {
            return false;
          }
          store.sync();
          throw new BadInputException(named() + e.getMessage() + " (" + soFar() + ")", e);
        }
        skip(e);
        continue;
      } catch (IOException e) {
        flush(store);
        throw new BadInputException(
            "cannot read on: " + Failures.ofFile(e) + " (" + soFar() + ")", e);
      }
      if (entry == null) {
        if (!flush(store)) {
          return false;
        }
        store.sync();
        return true;
      }
      add(entry);
      if (chunk.size() >= CHUNK_ENTRIES_MAX || chunkBytes >= CHUNK_BYTES_MAX) {
        if (!flush(store)) {
          return false;
        }
        progress.at(reader.bytesRead());
        progress.records(chunkedSoFar());
      }
    }
  }

  private void add(Entry entry) {
    chunk.add(entry);
    chunkBytes += entry.key().length + valueBytes(entry);
  }

  /// What an entry takes in memory, roughly; text is not encoded just to be counted.
  private static long valueBytes(Entry entry) {
    return switch (entry.value()) {
      case Value.Bytes(byte[] bytes) -> bytes.length;
      case Value.Text(String text) -> text.length();
      case Value.Int64 _, Value.Float64 _ -> Long.BYTES;
    };
  }

  /// Puts the chunk into the store; false if the import was stopped meanwhile.
  private synchronized boolean flush(KvStore store) throws IOException {
    if (stopped) {
      return false;
    }
    try {
      store.putAll(chunk);
    } catch (StoreException e) {
      throw new IOException(
          e.getMessage()
              + " ("
              + soFar()
              + ", and perhaps the first ones of the next "
              + Units.count(chunk.size())
              + ")",
          e);
    }
    imported += chunk.size();
    chunk.clear();
    chunkBytes = 0;
    return true;
  }

  private synchronized void stop(KvStore store) {
    stopped = true;
    store.sync();
    store.close();
    Failures.warn(
        "interrupted; the first "
            + Units.count(imported, "record")
            + (imported == 1 ? " is" : " are")
            + " in the store",
        streams());
  }

  private void skip(BadLineException e) {
    skipped++;
    if (skipped <= SKIPPED_NAMED_MAX) {
      Failures.warn(named() + e.getMessage() + " (skipped)", streams());
    } else if (skipped == SKIPPED_NAMED_MAX + 1) {
      Failures.warn("more bad lines are counted and not named", streams());
    }
  }

  private String named() {
    return file.equals("-") ? "" : file + ": ";
  }

  private synchronized long chunkedSoFar() {
    return imported;
  }

  private synchronized String soFar() {
    return Units.count(imported, "record") + " imported before it";
  }

  private synchronized void report(long nanos) {
    if (json) {
      out()
          .line(
              "{\"imported\":"
                  + imported
                  + ",\"skipped\":"
                  + skipped
                  + ",\"nanos\":"
                  + nanos
                  + "}");
      return;
    }
    out()
        .line(
            "imported "
                + Units.count(imported, "record")
                + (skipped == 0 ? "" : ", skipped " + Units.count(skipped, "bad line"))
                + " in "
                + Units.nanos(nanos)
                + " ("
                + Units.rate(imported, nanos)
                + "); all on the disk");
  }
}

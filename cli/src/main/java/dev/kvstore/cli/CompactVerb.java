package dev.kvstore.cli;

import dev.kvstore.CompactionJob;
import dev.kvstore.CompactionReport;
import dev.kvstore.KvStore;
import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `compact`: gives the space of garbage back.
@Command(
    name = "compact",
    description = {
      "Gives the space of replaced and deleted records back.",
      "Ctrl-C stops it; nothing is lost.",
    })
final class CompactVerb extends Verb {
  private static final long PROGRESS_MILLIS = 100;

  @Option(
      names = "--json",
      description =
          "Print segmentsRemoved, segmentsWritten, bytesRead, bytesWritten, bytesFreed, nanos.")
  private boolean json;

  @Override
  int run() throws IOException {
    CompactionReport report =
        changing(
            store -> compact(store, kvstore()),
            () -> {
              throw new NoStoreException(directory());
            });
    if (kvstore().interrupts().fired()) {
      return ExitCode.INTERRUPTED;
    }
    out().line(json ? asJson(report) : line(report));
    return ExitCode.DONE;
  }

  /// Compacts with a progress bar; an interrupt cancels it.
  static CompactionReport compact(KvStore store, Kvstore command) {
    CompactionJob job = store.startCompaction();
    try (ProgressRow progress =
            ProgressRow.ofBytes(command.streams(), "compact", job.bytesTotal());
        Interrupts.Registration _ =
            command
                .interrupts()
                .onInterrupt(() -> {
                  job.cancel();
                  store.close();
                })) {
      while (!isDone(job)) {
        progress.at(job.bytesDone(), job.bytesTotal());
      }
      CompactionReport report = job.join();
      progress.at(job.bytesDone(), job.bytesTotal());
      return report;
    }
  }

  private static boolean isDone(CompactionJob job) {
    try {
      job.future().get(PROGRESS_MILLIS, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      return true; // The join that follows throws what it was.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  static String line(CompactionReport report) {
    if (report.segmentsRemoved() == 0) {
      return "nothing to compact";
    }
    return "compacted "
        + Units.count(report.segmentsRemoved(), "segment")
        + " into "
        + report.segmentsWritten()
        + ": freed "
        + Units.bytes(report.bytesFreed())
        + ", read "
        + Units.bytes(report.bytesRead())
        + ", copied "
        + Units.bytes(report.bytesWritten())
        + " in "
        + Units.nanos(report.duration().toNanos());
  }

  private static String asJson(CompactionReport report) {
    return "{\"segmentsRemoved\":"
        + report.segmentsRemoved()
        + ",\"segmentsWritten\":"
        + report.segmentsWritten()
        + ",\"bytesRead\":"
        + report.bytesRead()
        + ",\"bytesWritten\":"
        + report.bytesWritten()
        + ",\"bytesFreed\":"
        + report.bytesFreed()
        + ",\"nanos\":"
        + report.duration().toNanos()
        + "}";
  }
}

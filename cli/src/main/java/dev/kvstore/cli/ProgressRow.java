package dev.kvstore.cli;

import dev.kvstore.Progress;
import java.io.PrintStream;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/// How far a long piece of work has come: one row on standard error that redraws itself, if that is
/// a terminal; else nothing.
final class ProgressRow implements Progress, AutoCloseable {
  private static final int UPDATE_MILLIS = 100;
  private static final int COLUMNS_DEFAULT = 80;

  private final @Nullable ProgressBar bar;
  private final long begin = System.nanoTime();

  private ProgressRow(@Nullable ProgressBar bar) {
    this.bar = bar;
  }

  /// A row that counts bytes.
  ///
  /// @param total how many there are; -1: nobody knows
  static ProgressRow ofBytes(Streams streams, String task, long total) {
    return of(streams, task, total, " MiB", 1 << 20);
  }

  /// A row that counts pieces.
  static ProgressRow ofPieces(Streams streams, String task, long total) {
    return of(streams, task, total, "", 1);
  }

  private static ProgressRow of(
      Streams streams, String task, long total, String unit, long unitSize) {
    if (!streams.errIsTerminal()) {
      return new ProgressRow(null);
    }
    return new ProgressRow(
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(total)
            .setUnit(unit, unitSize)
            .setUpdateIntervalMillis(UPDATE_MILLIS)
            .setStyle(ProgressBarStyle.ASCII)
            .clearDisplayOnFinish()
            .setConsumer(new Row(streams.err(), columns(streams)))
            .build());
  }

  private static int columns(Streams streams) {
    String columns = streams.env("COLUMNS");
    return columns.matches("[1-9][0-9]{1,2}") ? Integer.parseInt(columns) : COLUMNS_DEFAULT;
  }

  @Override
  public void at(long done, long total) {
    if (bar != null) {
      bar.maxHint(total);
      bar.stepTo(done);
    }
  }

  void at(long done) {
    if (bar != null) {
      bar.stepTo(done);
    }
  }

  /// Shows behind the bar how many records a second there were.
  void records(long count) {
    if (bar != null) {
      bar.setExtraMessage(" " + Units.rate(count, System.nanoTime() - begin));
    }
  }

  /// Shows a text behind the bar.
  void note(String text) {
    if (bar != null) {
      bar.setExtraMessage(text);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }

  /// The row on the terminal. When the work is done it is gone: the result tells the rest.
  private record Row(PrintStream err, int columns) implements ProgressBarConsumer {
    @Override
    public int getMaxRenderedLength() {
      return columns - 1;
    }

    @Override
    public void accept(String text) {
      err.print("\r" + text);
      err.flush();
    }

    @Override
    public void clear() {
      err.print("\r" + " ".repeat(columns - 1) + "\r");
      err.flush();
    }

    @Override
    public void close() {}
  }
}

package dev.kvstore.testkit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/// Listens to what the store says in the log of the JDK.
public final class LogCapture extends Handler {
  private static final Logger STORE = Logger.getLogger("dev.kvstore");

  private final List<String> lines = Collections.synchronizedList(new ArrayList<>());

  private LogCapture() {}

  /// What is said while something runs: level, message, and why, as in `SEVERE: it broke: no disk`.
  /// Nothing of it is printed.
  public static List<String> during(Runnable work) {
    LogCapture capture = new LogCapture();
    Level before = STORE.getLevel();
    boolean printed = STORE.getUseParentHandlers();
    STORE.setLevel(Level.ALL);
    STORE.setUseParentHandlers(false);
    STORE.addHandler(capture);
    try {
      work.run();
    } finally {
      STORE.removeHandler(capture);
      STORE.setUseParentHandlers(printed);
      STORE.setLevel(before);
    }
    return List.copyOf(capture.lines);
  }

  @Override
  public void publish(LogRecord said) {
    Throwable why = said.getThrown();
    lines.add(
        said.getLevel().getName()
            + ": "
            + said.getMessage()
            + (why == null ? "" : ": " + why.getMessage()));
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}

package dev.kvstore.cli;

import java.lang.System.Logger;
import java.lang.System.LoggerFinder;
import java.text.MessageFormat;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/// What the library logs: lines on standard error if `KVSTORE_DEBUG` is `1`, else nothing, because
/// what matters to a command reaches it as an exception or in a report. Found by the JDK as a
/// service; also spares the start of the JDK's own logging.
public final class StandardErrorLogging extends LoggerFinder {
  /// Made by the JDK.
  public StandardErrorLogging() {}

  @Override
  public Logger getLogger(String name, Module module) {
    return new Lines(name);
  }

  private record Lines(String name) implements Logger {
    private static final boolean IS_WANTED = "1".equals(System.getenv("KVSTORE_DEBUG"));

    @Override
    public String getName() {
      return name;
    }

    @Override
    public boolean isLoggable(Level level) {
      return IS_WANTED && level != Level.OFF && name.startsWith("dev.kvstore");
    }

    @Override
    public void log(
        Level level,
        @Nullable ResourceBundle bundle,
        @Nullable String message,
        @Nullable Throwable thrown) {
      if (isLoggable(level)) {
        String text = thrown == null ? message : message + ": " + thrown.getMessage();
        System.err.println("kvstore: " + Escapes.message(String.valueOf(text)));
      }
    }

    @Override
    public void log(
        Level level,
        @Nullable ResourceBundle bundle,
        @Nullable String format,
        @Nullable Object @Nullable ... parameters) {
      if (isLoggable(level)) {
        boolean isPattern = format != null && parameters != null && parameters.length > 0;
        log(
            level,
            bundle,
            isPattern ? MessageFormat.format(format, parameters) : format,
            (Throwable) null);
      }
    }
  }
}

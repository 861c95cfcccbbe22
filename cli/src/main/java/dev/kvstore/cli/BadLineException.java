package dev.kvstore.cli;

/// A line of a file that cannot be imported. Reading can go on behind it.
final class BadLineException extends Exception {
  private static final long serialVersionUID = 1L;

  private final long line;

  /// @param line its number, from 1; of a record of several lines the first one's
  BadLineException(long line, String reason) {
    super(reason);
    this.line = line;
  }

  @Override
  public String getMessage() {
    return "line " + line + ": " + super.getMessage();
  }
}

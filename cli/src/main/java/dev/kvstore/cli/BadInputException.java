package dev.kvstore.cli;

/// Arguments or input that cannot be used: exit code 2. The message is one line and says what would
/// be right.
final class BadInputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  BadInputException(String message) {
    super(message);
  }

  BadInputException(String message, Throwable cause) {
    super(message, cause);
  }
}

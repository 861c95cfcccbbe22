package dev.kvstore;

/// The store cannot be opened as asked: no such directory, not a directory, not ours, not readable, or
/// owned by another application. Nothing was changed.
public final class StoreStartupException extends StoreException {
  private static final long serialVersionUID = 1L;

  public StoreStartupException(String message) {
    super(message);
  }

  public StoreStartupException(String message, Throwable cause) {
    super(message, cause);
  }
}

package dev.kvstore;

/// A compaction did not complete: it failed or was cancelled. Nothing is lost, the segments it worked on
/// stay as they were, and it may be started again.
public final class StoreCompactionException extends StoreException {
  private static final long serialVersionUID = 1L;

  public StoreCompactionException(String message) {
    super(message);
  }

  public StoreCompactionException(String message, Throwable cause) {
    super(message, cause);
  }
}

package dev.kvstore;

/// A key is empty. Keys have 1 to [KvStore#KEY_BYTES_MAX] bytes; for longer ones see
/// [StoreTooLargeException].
public final class StoreKeyException extends StoreException {
  private static final long serialVersionUID = 1L;

  public StoreKeyException(String message) {
    super(message);
  }

  public StoreKeyException(String message, Throwable cause) {
    super(message, cause);
  }
}

package dev.kvstore;

/// Everything that a store can fail with. Unchecked and sealed: callers act on the type, people on the
/// message, which names what was wrong and what to do.
///
/// Wrong arguments that no store could accept, such as an option out of range or null, are
/// [IllegalArgumentException] and [NullPointerException] as everywhere in Java.
public abstract sealed class StoreException extends RuntimeException
    permits StoreClosedException,
        StoreCompactionException,
        StoreCorruptionException,
        StoreEncodingException,
        StoreFailedException,
        StoreIoException,
        StoreKeyException,
        StoreLockedException,
        StoreReadOnlyException,
        StoreStartupException,
        StoreTooLargeException,
        StoreVersionException {
  private static final long serialVersionUID = 1L;

  StoreException(String message) {
    super(message);
  }

  StoreException(String message, Throwable cause) {
    super(message, cause);
  }

  /// What was wrong, and what to do; never null.
  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}

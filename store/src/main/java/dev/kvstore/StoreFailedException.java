package dev.kvstore;

/// A force or an append failed, so the store takes no more writes until it is opened again; reads go on.
///
/// A force is never tried twice, because the second may succeed although the pages of the first were
/// dropped. A write that ended in this exception has happened as a whole or not at all; which of the
/// two is known after the next open.
public final class StoreFailedException extends StoreException {
  private static final long serialVersionUID = 1L;

  public StoreFailedException(String message) {
    super(message);
  }

  public StoreFailedException(String message, Throwable cause) {
    super(message, cause);
  }
}

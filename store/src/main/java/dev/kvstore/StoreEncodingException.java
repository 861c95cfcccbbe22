package dev.kvstore;

/// A value is not of the type that was asked for, or bytes are not what a type requires. The store is
/// unharmed; ask for the type that was stored, or for plain bytes.
public final class StoreEncodingException extends StoreException {
  private static final long serialVersionUID = 1L;

  public StoreEncodingException(String message) {
    super(message);
  }

  public StoreEncodingException(String message, Throwable cause) {
    super(message, cause);
  }
}

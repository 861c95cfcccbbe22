package dev.kvstore;

/// The operating system refused an operation on a file. The message names the file.
public final class StoreIoException extends StoreException {
  private static final long serialVersionUID = 1L;

  private final boolean noSpace;

  public StoreIoException(String message, Throwable cause) {
    this(message, cause, false);
  }

  /// @param noSpace whether the reason was a full disk or quota
  public StoreIoException(String message, Throwable cause, boolean noSpace) {
    super(message, cause);
    this.noSpace = noSpace;
  }

  /// Whether the reason was that the disk is full. Such a write has not happened; it may be tried
  /// again once there is space, without a reopen.
  public boolean isNoSpace() {
    return noSpace;
  }
}

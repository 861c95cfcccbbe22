package dev.kvstore;

/// The operating system refused an operation on a file, which the message names; or the store has reached
/// its largest size.
public final class StoreIoException extends StoreException {
  private static final long serialVersionUID = 1L;

  private final boolean noSpace;

  public StoreIoException(String message, Throwable cause) {
    this(message, cause, false);
  }

  /// @param noSpace whether the reason was a full disk, quota or store
  public StoreIoException(String message, Throwable cause, boolean noSpace) {
    super(message, cause);
    this.noSpace = noSpace;
  }

  /// Whether the reason was that the disk is full, or that the store has reached its largest size. Such a
  /// write has not happened; it may be tried again once there is space, without a reopen.
  public boolean isNoSpace() {
    return noSpace;
  }
}

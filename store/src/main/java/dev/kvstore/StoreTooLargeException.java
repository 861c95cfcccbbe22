package dev.kvstore;

/// A key, value or batch is over its limit. Nothing was written, and nothing of that size was
/// allocated.
public final class StoreTooLargeException extends StoreException {
  private static final long serialVersionUID = 1L;

  private final long bytes;
  private final long bytesMax;

  public StoreTooLargeException(String what, long bytes, long bytesMax) {
    super(what + " of " + bytes + " bytes is too large; the limit is " + bytesMax);
    this.bytes = bytes;
    this.bytesMax = bytesMax;
  }

  /// The size that was refused.
  public long bytes() {
    return bytes;
  }

  /// The largest size that is accepted.
  public long bytesMax() {
    return bytesMax;
  }
}

package dev.kvstore;

/// Somebody else has the store open. One process writes at a time; when that process ends, in
/// whatever way, the store is free again.
public final class StoreLockedException extends StoreException {
  private static final long serialVersionUID = 1L;

  private final long pid;

  /// @param pid process id of the owner, or -1 if it could not be read
  public StoreLockedException(String message, long pid) {
    super(message);
    this.pid = pid;
  }

  /// Process id of the owner, or -1 if it could not be read.
  public long pid() {
    return pid;
  }
}

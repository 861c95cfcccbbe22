package dev.kvstore.testkit;

/// How a call fails.
public enum Fault {
  /// Nothing is done. A force is worse, as it is on Linux: what it should have written counts as
  /// written from then on, so the next force reports success without it.
  IO_ERROR,

  /// It is done as a whole, and an error reported all the same. A force: as [#IO_ERROR].
  IO_ERROR_AFTERWARDS,

  /// Nothing is done, since the disk is full.
  NO_SPACE,

  /// Half of the bytes are written, then the disk is full. For calls that write none: nothing is done.
  NO_SPACE_HALF_WAY;

  boolean isNoSpace() {
    return this == NO_SPACE || this == NO_SPACE_HALF_WAY;
  }
}

package dev.kvstore.testkit;

/// What a power loss keeps of the changes that were not forced: of bytes in files, of the sizes of
/// files, and of the names in the directory.
public enum PowerLoss {
  /// Nothing.
  NONE,
  /// All of it.
  ALL,
  /// Of each file the first so many changed sectors of 512 bytes; of the names the first so many
  /// changes.
  PREFIX,
  /// Any sectors of 512 bytes, any changes of names.
  SECTORS,
  /// Any pages of 4 KiB, any changes of names.
  PAGES,
  /// Of each file the last changed sector; of the names the last change.
  LAST_ONLY,
  /// All names, all sizes, but none of the bytes behind the old ends: zeros there, or garbage.
  SIZE_WITHOUT_DATA
}

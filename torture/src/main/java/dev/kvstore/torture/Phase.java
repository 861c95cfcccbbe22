package dev.kvstore.torture;

/// What a writer is at.
public enum Phase {
  /// Its JVM starts; the store is not touched yet.
  STARTING,
  OPENING,
  WRITING,
  /// Writing, while a compaction on demand is under way.
  COMPACTING,
  CLOSING
}

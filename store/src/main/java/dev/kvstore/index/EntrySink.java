package dev.kvstore.index;

/// Takes the entries of a shard, one after the other.
@FunctionalInterface
public interface EntrySink {
  /// @param hash what the index knows of it: the lower 30 bits are 0
  void take(long hash, long address);
}

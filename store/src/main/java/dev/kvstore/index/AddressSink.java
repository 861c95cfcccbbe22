package dev.kvstore.index;

/// Takes the addresses of one step of an iteration.
///
/// Called while the shard is locked: it copies the address and returns. It must not call the index
/// (the lock is not reentrant) and must not wait.
@FunctionalInterface
public interface AddressSink {
  void accept(long address);
}

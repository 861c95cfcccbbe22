package dev.kvstore;

/// One change of a [WriteBatch].
public sealed interface Mutation {
  /// The key that is changed; 1 to [KvStore#KEY_BYTES_MAX] bytes.
  byte[] key();

  /// Sets a key.
  record Put(byte[] key, Value value) implements Mutation {}

  /// Removes a key, if it is there.
  record Delete(byte[] key) implements Mutation {}
}

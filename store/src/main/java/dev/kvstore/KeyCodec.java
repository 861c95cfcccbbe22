package dev.kvstore;

/// Turns keys of a Java type into the store's bytes and back. Two equal keys must give equal bytes.
///
/// Ready-made ones, which also preserve order, are in `dev.kvstore.codec`. Implementations must be
/// safe for use by many threads.
public interface KeyCodec<K> {
  /// The bytes of a key; 1 to [KvStore#KEY_BYTES_MAX] of them.
  byte[] encode(K key);

  /// The key of these bytes.
  ///
  /// @throws StoreEncodingException if they are not the bytes of such a key
  K decode(byte[] bytes);
}

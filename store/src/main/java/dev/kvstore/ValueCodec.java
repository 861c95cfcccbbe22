package dev.kvstore;

/// Turns values of a Java type into typed values of the store and back.
///
/// Ready-made ones are in `dev.kvstore.codec`. Implementations must be safe for use by many threads.
public interface ValueCodec<V> {
  /// The stored form of a value.
  Value encode(V value);

  /// The value of a stored form.
  ///
  /// @throws StoreEncodingException if it is of another type
  V decode(Value stored);
}

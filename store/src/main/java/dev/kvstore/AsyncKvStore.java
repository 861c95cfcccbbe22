package dev.kvstore;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// A [KvStore] whose calls return at once with a future.
///
/// A write is in the log, ordered and visible when the call returns; its future completes when the
/// chosen [Durability] is reached. So the order of calls is the order of writes, and thousands of
/// writes may be in flight. Futures complete on a thread of the store: hand longer work on with the
/// `...Async` methods of [CompletableFuture].
///
/// Errors arrive through the future, wrong arguments included; no method throws.
public interface AsyncKvStore {
  /// See [KvStore#get(byte[])].
  CompletableFuture<byte @Nullable []> get(byte[] key);

  /// See [KvStore#put(byte[], byte[])].
  CompletableFuture<Long> put(byte[] key, byte[] value);

  /// See [KvStore#put(byte[], Value)].
  CompletableFuture<Long> put(byte[] key, Value value);

  /// See [KvStore#delete(byte[])].
  CompletableFuture<Boolean> delete(byte[] key);

  /// See [KvStore#write].
  CompletableFuture<Long> write(WriteBatch batch);

  /// See [KvStore#putIfAbsent].
  CompletableFuture<Boolean> putIfAbsent(byte[] key, byte[] value);

  /// See [KvStore#compareAndSet].
  CompletableFuture<Boolean> compareAndSet(
      byte[] key, byte @Nullable [] expected, byte @Nullable [] value);

  /// See [KvStore#increment].
  CompletableFuture<Long> increment(byte[] key, long delta);

  /// See [KvStore#sync].
  CompletableFuture<Long> sync();

  /// See [KvStore#compact].
  CompletableFuture<CompactionReport> compact();
}

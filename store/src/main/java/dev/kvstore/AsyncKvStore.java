package dev.kvstore;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// A [KvStore] whose calls return at once with a future.
///
/// A write is in the log, ordered and visible when the call returns; its future completes when the
/// chosen [Durability] is reached. So the order of calls is the order of writes, and thousands of
/// writes may be in flight. Each future completes on a virtual thread of its own, so what hangs on it may
/// call the store and wait.
///
/// A write may have to wait for the append lock, and now and then for a new segment to be made ready; one
/// that replaces or deletes up to 50 ms when compaction cannot keep up, see [Stats#compactionState].
///
/// Errors arrive through the future, wrong arguments and [OutOfMemoryError] included; no method throws.
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

package dev.kvstore.engine;

import dev.kvstore.AsyncKvStore;
import dev.kvstore.CompactionReport;
import dev.kvstore.Durability;
import dev.kvstore.Encoding;
import dev.kvstore.KvStore;
import dev.kvstore.Value;
import dev.kvstore.WriteBatch;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// See [AsyncKvStore]: everything but the wait for durability is done in the call.
final class AsyncEngine implements AsyncKvStore {
  private final KvStore blocking;
  private final OpenStore store;
  private final Durability durability;

  AsyncEngine(KvStore blocking, OpenStore store, Durability durability) {
    this.blocking = blocking;
    this.store = store;
    this.durability = durability;
  }

  /// Runs the part that does not wait. Whatever it throws goes into the future.
  private <A, T extends @Nullable Object> CompletableFuture<T> call(
      Callable<A> now, Function<? super A, CompletableFuture<T>> then) {
    try {
      store.requireOpen();
      return then.apply(now.call());
    } catch (IllegalStateException e) {
      return CompletableFuture.failedFuture(store.closedOr(e));
    } catch (Throwable e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private CompletableFuture<Long> durable(long sequence) {
    return store.commit.whenDurable(sequence, durability);
  }

  private <T> CompletableFuture<T> durable(long sequence, T answer) {
    return sequence == WritePath.NOTHING
        ? CompletableFuture.completedFuture(answer)
        : durable(sequence).thenApply(done -> answer);
  }

  @Override
  public CompletableFuture<byte @Nullable []> get(byte[] key) {
    return call(() -> key, asked -> CompletableFuture.completedFuture(blocking.get(asked)));
  }

  @Override
  public CompletableFuture<Long> put(byte[] key, byte[] value) {
    return call(() -> store.writes.put(key, Encoding.BYTES, value), this::durable);
  }

  @Override
  public CompletableFuture<Long> put(byte[] key, Value value) {
    return call(() -> store.writes.put(key, value.encoding(), value.toBytes()), this::durable);
  }

  @Override
  public CompletableFuture<Boolean> delete(byte[] key) {
    return call(
        () -> store.writes.delete(key),
        sequence -> durable(sequence, sequence != WritePath.NOTHING));
  }

  @Override
  public CompletableFuture<Long> write(WriteBatch batch) {
    return call(() -> store.writes.write(batch.mutations()), this::durable);
  }

  @Override
  public CompletableFuture<Boolean> putIfAbsent(byte[] key, byte[] value) {
    return compareAndSet(key, null, value);
  }

  @Override
  public CompletableFuture<Boolean> compareAndSet(
      byte[] key, byte @Nullable [] expected, byte @Nullable [] value) {
    return call(
        () -> store.writes.compareAndSet(key, expected, value),
        exchange -> durable(exchange.sequence(), exchange.matched()));
  }

  @Override
  public CompletableFuture<Long> increment(byte[] key, long delta) {
    return call(
        () -> store.writes.increment(key, delta),
        incremented -> durable(incremented.sequence(), incremented.number()));
  }

  @Override
  public CompletableFuture<Long> sync() {
    return call(
        () -> store.log.isReadOnly() ? blocking.sync() : store.writes.write(List.of()),
        last -> store.commit.whenDurable(last, Durability.ALWAYS));
  }

  @Override
  public CompletableFuture<CompactionReport> compact() {
    return call(blocking::startCompaction, job -> job.future());
  }
}

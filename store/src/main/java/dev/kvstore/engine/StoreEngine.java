package dev.kvstore.engine;

import dev.kvstore.AsyncKvStore;
import dev.kvstore.CompactionJob;
import dev.kvstore.Durability;
import dev.kvstore.Encoding;
import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.RecoveryReport;
import dev.kvstore.Stats;
import dev.kvstore.StoreReadOnlyException;
import dev.kvstore.Value;
import dev.kvstore.WriteBatch;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.DiskDirectory;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/// The store as its callers see it: hands each call to the path that does it, waits for durability,
/// and turns "the memory is gone" into "the store is closed".
public final class StoreEngine implements KvStore {
  private final OpenStore store;
  private final Durability durability;

  private StoreEngine(OpenStore store, Durability durability) {
    this.store = store;
    this.durability = durability;
  }

  /// See [KvStore#open(Path, Options)].
  public static KvStore open(Path path, Options options) {
    Environment environment = Environment.system();
    return environment
        .workers()
        .callOn(
            "store-open",
            () -> {
              Future<HashIndex> index = emptyIndex(environment);
              Directory directory =
                  DiskDirectory.open(
                      path,
                      options.readOnly() ? Access.READ : Access.WRITE,
                      options.createIfMissing());
              return open(directory, options, environment, index);
            });
  }

  /// Opens the store in a directory. The directory is closed with the store, and when this fails.
  public static KvStore open(Directory directory, Options options, Environment environment) {
    return open(directory, options, environment, emptyIndex(environment));
  }

  /// Made on a thread of its own: in a JVM that has just started, the JDK takes longer to get ready for
  /// memory outside the heap than it takes to find and lock the directory.
  private static Future<HashIndex> emptyIndex(Environment environment) {
    return environment.workers().begin("store-load", HashIndex::new);
  }

  private static KvStore open(
      Directory directory, Options options, Environment environment, Future<HashIndex> index) {
    try {
      DirectoryNames.requireStoreOrRoom(directory, options);
      directory.lock(options.readOnly() ? Access.READ : Access.WRITE);
      OpenStore store =
          new OpenStore(
              directory,
              options,
              environment,
              Recovery.run(directory, options, environment, Workers.await(index)));
      return new StoreEngine(store, options.durability());
    } catch (Throwable e) {
      try {
        directory.close();
      } catch (RuntimeException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  /// Runs a call and says "closed" where the memory is gone because the store is.
  private <T extends @Nullable Object> T call(Supplier<T> call) {
    store.requireOpen();
    try {
      return call.get();
    } catch (IllegalStateException e) {
      throw store.closedOr(e);
    }
  }

  private long finish(long sequence) {
    store.commit.await(sequence, durability);
    return sequence;
  }

  private void requireWritable() {
    if (store.log.isReadOnly()) {
      throw new StoreReadOnlyException("the store takes no writes: nothing to compact");
    }
  }

  // ---- Reading

  @Override
  public byte @Nullable [] get(byte[] key) {
    store.requireOpen();
    try {
      return store.reads.get(key);
    } catch (IllegalStateException e) {
      throw store.closedOr(e);
    }
  }

  @Override
  public <R> Optional<R> get(
      byte[] key, Function<? super MemorySegment, ? extends @Nullable R> reader) {
    return call(() -> store.reads.get(key, reader));
  }

  @Override
  public List<byte @Nullable []> getAll(Collection<byte[]> keys) {
    return call(() -> {
      List<byte @Nullable []> values = new ArrayList<>(keys.size());
      store.reads.getAll(keys, values);
      return values;
    });
  }

  @Override
  public Optional<Value> getValue(byte[] key) {
    return call(() -> store.reads.getValue(key));
  }

  @Override
  public boolean contains(byte[] key) {
    return call(() -> store.reads.contains(key));
  }

  @Override
  public OptionalLong valueSize(byte[] key) {
    return call(() -> store.reads.valueSize(key));
  }

  @Override
  public long size() {
    return call(store::size);
  }

  @Override
  public Stream<byte[]> keys() {
    return call(() -> StreamSupport.stream(store.walk(), false));
  }

  @Override
  public Stream<Entry> entries() {
    return keys()
        .mapMulti(
            (key, sink) -> getValue(key).ifPresent(value -> sink.accept(new Entry(key, value))));
  }

  // ---- Writing

  @Override
  public long put(byte[] key, byte[] value) {
    return call(() -> finish(store.writes.put(key, Encoding.BYTES, value)));
  }

  @Override
  public long put(byte[] key, Value value) {
    return call(() -> finish(store.writes.put(key, value.encoding(), value.toBytes())));
  }

  @Override
  public long putAll(Iterable<Entry> entries) {
    return call(() -> {
      long last = store.writes.write(List.of());
      for (Entry entry : entries) {
        Value value = entry.value();
        last = store.writes.put(entry.key(), value.encoding(), value.toBytes());
      }
      return finish(last);
    });
  }

  @Override
  public boolean delete(byte[] key) {
    return call(() -> wasDone(store.writes.delete(key)));
  }

  @Override
  public long write(WriteBatch batch) {
    return call(() -> finish(store.writes.write(batch.mutations())));
  }

  @Override
  public boolean putIfAbsent(byte[] key, byte[] value) {
    return compareAndSet(key, null, value);
  }

  @Override
  public boolean compareAndSet(byte[] key, byte @Nullable [] expected, byte @Nullable [] value) {
    return call(() -> {
      WritePath.Exchange exchange = store.writes.compareAndSet(key, expected, value);
      wasDone(exchange.sequence());
      return exchange.matched();
    });
  }

  @Override
  public long increment(byte[] key, long delta) {
    return call(() -> {
      WritePath.Incremented incremented = store.writes.increment(key, delta);
      finish(incremented.sequence());
      return incremented.number();
    });
  }

  private boolean wasDone(long sequence) {
    if (sequence == WritePath.NOTHING) {
      return false;
    }
    finish(sequence);
    return true;
  }

  // ---- Durability

  @Override
  public KvStore withDurability(Durability other) {
    return new StoreEngine(store, other);
  }

  @Override
  public long lastSequence() {
    store.requireOpen();
    return store.log.lastSequence();
  }

  @Override
  public long durableSequence() {
    store.requireOpen();
    return store.commit.durableSequence();
  }

  @Override
  public void awaitDurable(long sequence) {
    store.requireOpen();
    if (sequence > store.log.lastSequence()) {
      throw new IllegalArgumentException(
          "sequence "
              + sequence
              + " has not been written; the last is "
              + store.log.lastSequence());
    }
    awaitWritten(sequence);
  }

  private void awaitWritten(long sequence) {
    long durable = store.commit.durableSequence();
    if (durable < sequence && store.log.isReadOnly()) {
      throw new StoreReadOnlyException(
          "the store was opened without writing and cannot force what it has found: it knows that writes up"
              + " to "
              + durable
              + " are durable, "
              + sequence
              + " was asked for; open it for writing, or salvage it if it is damaged");
    }
    store.commit.await(sequence);
  }

  @Override
  public long sync() {
    store.requireOpen();
    awaitWritten(store.log.lastSequence());
    return store.commit.durableSequence();
  }

  // ---- Upkeep

  @Override
  public CompactionJob startCompaction() {
    store.requireOpen();
    requireWritable();
    return store.compaction.start();
  }

  @Override
  public Stats stats() {
    return call(store::stats);
  }

  @Override
  public RecoveryReport recovery() {
    return store.recovery;
  }

  @Override
  public Options options() {
    return store.options;
  }

  @Override
  public Path directory() {
    return store.directory.path();
  }

  @Override
  public void close() {
    store.close();
  }

  @Override
  public AsyncKvStore async() {
    return new AsyncEngine(this, store, durability);
  }

  @Override
  public String toString() {
    return "KvStore[" + store.directory.path() + "]";
  }
}

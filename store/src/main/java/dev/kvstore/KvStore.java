package dev.kvstore;

import dev.kvstore.engine.StoreEngine;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A key-value store in a directory of its own: the log is the store, everything else is rebuilt from
/// it.
///
/// ```java
/// try (KvStore store = KvStore.open(Path.of("data"))) {
///   store.put("user", "Alice");                       // on the disk when this returns
///   store.getString("user").ifPresent(System.out::println);
/// }
/// ```
///
/// - Keys are 1 to [#KEY_BYTES_MAX] bytes, values 0 to [#VALUE_BYTES_MAX] bytes; no byte is special.
///   Arrays are not copied on the way in, so do not change them during a call; those that come out are
///   the caller's.
/// - Threads: every method may be called from any thread, virtual ones included. Readers never block.
///   An interrupt neither fails a call nor harms the store; the flag stays set.
/// - Durability: a write returns when the store's [Durability] is reached. Reads may already show a
///   write whose force is still under way; [#awaitDurable] waits for it.
/// - Order: writes are ordered by a sequence number that has no gaps and never goes back, not by a
///   clock.
/// - Errors: [StoreException] and its kinds. After [#close] everything that reads, writes or waits
///   throws [StoreClosedException]. Any write may throw [StoreIoException] (it did not happen),
///   [StoreFailedException] (the store is read-only until reopened) or [StoreReadOnlyException].
public interface KvStore extends AutoCloseable {
  /// Longest key, in bytes.
  int KEY_BYTES_MAX = 65_535;

  /// Longest value, in bytes: 1 GiB.
  int VALUE_BYTES_MAX = 1 << 30;

  /// Largest [WriteBatch], in bytes of log: 2 GiB less 64 KiB.
  long BATCH_BYTES_MAX = (2L << 30) - (64 << 10);

  /// Opens the store in this directory, or creates it there, with [Options#defaults].
  static KvStore open(Path directory) {
    return open(directory, Options.defaults());
  }

  /// Opens the store in this directory, or creates it there.
  ///
  /// Works without any flag after every crash; [#recovery] tells what was found.
  ///
  /// @throws StoreStartupException if the directory cannot be used
  /// @throws StoreLockedException if somebody has it open; names the process
  /// @throws StoreCorruptionException if something that was durable is damaged or missing
  /// @throws StoreVersionException if the files are of a format this release does not read
  /// @throws StoreIoException if the operating system refuses a file
  static KvStore open(Path directory, Options options) {
    return StoreEngine.open(directory, options);
  }

  // ---- Reading

  /// The value of a key as plain bytes, whatever type it was stored as; null if the key is absent.
  ///
  /// Null and not an [Optional], because this is the hot path and an answer costs no garbage besides
  /// the value.
  byte @Nullable [] get(byte[] key);

  /// Hands the value of a key to a function without copying it; empty if the key is absent.
  ///
  /// The memory is read-only and is the record's only during the call. Do not keep it: later it may be
  /// gone, and then using it throws [IllegalStateException].
  ///
  /// @return what the function returned; empty also if that is null
  <R> Optional<R> get(byte[] key, Function<? super MemorySegment, ? extends @Nullable R> reader);

  /// The values of many keys, in the order of the keys; null where a key is absent. Faster than one
  /// by one, because the waits for memory overlap. Each key is read by itself, not all at one moment.
  List<byte @Nullable []> getAll(Collection<byte[]> keys);

  /// The value of a key with the type it was stored as; empty if the key is absent.
  Optional<Value> getValue(byte[] key);

  /// Whether the key is there.
  boolean contains(byte[] key);

  /// Length of the value in bytes; empty if the key is absent.
  OptionalLong valueSize(byte[] key);

  /// How many keys there are, exactly. At once, but in a store larger than memory after overwrites: then it
  /// may have to read through the log to see what they replaced, which takes a few seconds for each GB. Writers go
  /// on meanwhile, but each overwrite there waits for the disk; [Stats#keys] waits for nothing.
  ///
  /// @throws StoreIoException if that cannot be read
  /// @throws StoreCorruptionException if that is damaged
  long size();

  /// All keys, in no particular order.
  ///
  /// A key that is there throughout is delivered exactly once, however many others come and go
  /// meanwhile; one that comes or goes during the iteration may or may not be. Holds no lock and
  /// nothing back from compaction, however slowly it is consumed. May take as long as [#size] before the
  /// first.
  ///
  /// @throws StoreIoException if something cannot be read; also while it is consumed
  /// @throws StoreCorruptionException if something is damaged; also while it is consumed
  Stream<byte[]> keys();

  /// All entries, in no particular order; as [#keys], each with the value it has when it is delivered.
  Stream<Entry> entries();

  // ---- Writing

  /// Sets a key to plain bytes.
  ///
  /// @return the sequence number of the write, for [#awaitDurable]
  /// @throws StoreKeyException if the key is empty
  /// @throws StoreTooLargeException if key or value is too long
  long put(byte[] key, byte[] value);

  /// Sets a key to a typed value; otherwise as the plain form.
  long put(byte[] key, Value value);

  /// Sets all these keys, in this order, and waits for durability once. Not atomic: a crash half-way
  /// leaves a prefix, and so does an entry that is refused. See [#write] for all or nothing.
  ///
  /// @return the sequence number of the last write, or of the store's last write if there were none
  long putAll(Iterable<Entry> entries);

  /// Removes a key.
  ///
  /// @return whether it was there; if not, nothing is written
  boolean delete(byte[] key);

  /// Makes all changes of a batch, or none of them, whatever happens.
  ///
  /// @return the sequence number of the last change, or of the store's last write if it is empty
  /// @throws StoreKeyException if a key is empty; nothing was written
  /// @throws StoreTooLargeException if the batch is over [#BATCH_BYTES_MAX], a key over [#KEY_BYTES_MAX]
  ///     or a value over [#VALUE_BYTES_MAX]; nothing was written
  long write(WriteBatch batch);

  /// Sets a key unless it is there.
  ///
  /// @return whether it was set
  boolean putIfAbsent(byte[] key, byte[] value);

  /// Sets a key to `value` if its bytes now are `expected`.
  ///
  /// @param expected the bytes the key must have, or null: it must be absent
  /// @param value the new bytes, or null: the key is removed
  /// @return whether the key was as expected
  boolean compareAndSet(byte[] key, byte @Nullable [] expected, byte @Nullable [] value);

  /// Adds to a 64-bit integer; an absent key counts as 0.
  ///
  /// @return the new number
  /// @throws StoreEncodingException if the value is not an integer
  /// @throws ArithmeticException if the sum does not fit; nothing is changed
  long increment(byte[] key, long delta);

  // ---- Durability

  /// This store, with writes that wait as given here instead of as set at open. Everything else is
  /// shared, [#close] too. The shortest interval that was ever asked for stays in force until close.
  KvStore withDurability(Durability durability);

  /// Sequence number of the last write; 0 if there has been none.
  long lastSequence();

  /// Every write up to this sequence number survives power loss.
  long durableSequence();

  /// Waits until [#durableSequence] has reached a sequence number, forcing the log if need be.
  ///
  /// @throws IllegalArgumentException if no such write has been made yet
  /// @throws StoreReadOnlyException if it has not and the store takes no writes, so it cannot be forced
  void awaitDurable(long sequence);

  /// Makes everything durable that was written before this call.
  ///
  /// @return the sequence number up to which everything is durable now
  /// @throws StoreReadOnlyException as [#awaitDurable] of the last write
  long sync();

  // ---- Upkeep

  /// Compacts whatever holds garbage and waits for it. Writers and readers go on meanwhile.
  ///
  /// @throws StoreCompactionException if it fails; nothing is lost
  default CompactionReport compact() {
    return startCompaction().join();
  }

  /// Starts to compact whatever holds garbage; the job tells progress and can be cancelled. If a job
  /// started this way still runs and has not been cancelled, that one is returned.
  CompactionJob startCompaction();

  /// What the store is, holds and does, at about this moment.
  Stats stats();

  /// What `open` found and did.
  RecoveryReport recovery();

  /// The options of this store.
  Options options();

  /// The directory of this store.
  Path directory();

  /// Makes everything durable and releases the directory, whatever it throws. In a store larger than memory
  /// it may have to read through the log before, as [#size]. Calls that are under way may end with
  /// [StoreClosedException], as later ones do; of a write that does so while it waits to be durable, the
  /// next open tells whether it has happened.
  ///
  /// Only the first call closes. Others wait for it and return, also if it has failed.
  ///
  /// @throws StoreFailedException if the last force fails; what failed before is not told again
  /// @throws StoreIoException if the disk is full, or fails, when what is left is sealed or marked
  @Override
  void close();

  // ---- Other views

  /// The same store with calls that do not wait.
  AsyncKvStore async();

  /// The same store as a map of Java types.
  default <K, V> KvMap<K, V> map(KeyCodec<K> keys, ValueCodec<V> values) {
    return new KvMap<>(this, keys, values);
  }

  // ---- Conveniences for text and numbers. Text keys are stored as UTF-8.

  /// Sets a key to text.
  default long put(String key, String value) {
    return put(Utf8.encode(key, "key"), Value.of(value));
  }

  /// Sets a key to a typed value.
  default long put(String key, Value value) {
    return put(Utf8.encode(key, "key"), value);
  }

  /// The value of a key with its type; empty if the key is absent.
  default Optional<Value> getValue(String key) {
    return getValue(Utf8.encode(key, "key"));
  }

  /// The text of a key; empty if the key is absent.
  ///
  /// @throws StoreEncodingException if the value is not text
  default Optional<String> getString(String key) {
    return getValue(key)
        .map(value ->
            switch (value) {
              case Value.Text(String text) -> text;
              case Value other -> throw Mistyped.asked(Encoding.STRING, other);
            });
  }

  /// The integer of a key; empty if the key is absent.
  ///
  /// @throws StoreEncodingException if the value is not an integer
  default OptionalLong getLong(String key) {
    Optional<Value> found = getValue(key);
    if (found.isEmpty()) {
      return OptionalLong.empty();
    }
    return switch (found.get()) {
      case Value.Int64(long number) -> OptionalLong.of(number);
      case Value other -> throw Mistyped.asked(Encoding.INT64, other);
    };
  }

  /// The float of a key; empty if the key is absent.
  ///
  /// @throws StoreEncodingException if the value is not a float
  default OptionalDouble getDouble(String key) {
    Optional<Value> found = getValue(key);
    if (found.isEmpty()) {
      return OptionalDouble.empty();
    }
    return switch (found.get()) {
      case Value.Float64(double number) -> OptionalDouble.of(number);
      case Value other -> throw Mistyped.asked(Encoding.FLOAT64, other);
    };
  }

  /// Whether the key is there.
  default boolean contains(String key) {
    return contains(Utf8.encode(key, "key"));
  }

  /// Removes a key.
  ///
  /// @return whether it was there
  default boolean delete(String key) {
    return delete(Utf8.encode(key, "key"));
  }

  /// Adds to a 64-bit integer; an absent key counts as 0.
  ///
  /// @return the new number
  /// @throws StoreEncodingException if the value is not an integer
  /// @throws ArithmeticException if the sum does not fit; nothing is changed
  default long increment(String key, long delta) {
    return increment(Utf8.encode(key, "key"), delta);
  }
}

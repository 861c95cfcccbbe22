package dev.kvstore.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// An open store, ours or another, behind the few calls that the works need.
///
/// Threads: any number may call; an adapter does what its store needs for that. Whatever goes wrong
/// is thrown, since a benchmark has nothing to save.
interface Peer extends AutoCloseable {
  void put(byte[] key, byte[] value);

  /// Sets many keys in one atomic batch or transaction.
  void putBatch(List<byte[]> keys, List<byte[]> values);

  byte @Nullable [] get(byte[] key);

  /// The values of many keys, in the way that this store does it best.
  default List<byte @Nullable []> getAll(List<byte[]> keys) {
    List<byte @Nullable []> values = new ArrayList<>(keys.size());
    for (byte[] key : keys) {
      values.add(get(key));
    }
    return values;
  }

  void delete(byte[] key);

  /// Brings the store into the shape in which it reads best. Never timed.
  default void settle() {}

  /// Gives everything that was put to the operating system, so that it outlives the process. Only
  /// stores that keep writes in their own memory for a while have something to do.
  default void handOver() {}

  /// Bytes of memory that lead from keys to values, if the store can tell.
  default OptionalLong indexBytes() {
    return OptionalLong.empty();
  }

  /// How it was opened, in words, for the table, and what it does not promise that way.
  String settings();

  @Override
  void close();
}

package dev.kvstore;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Changes that happen together or not at all, after any crash, under every [Durability].
///
/// The changes are applied in the order in which they were added; of two changes of one key the later
/// wins. A batch is written by [KvStore#write] and may be written again or cleared and reused.
///
/// - Readers: they take no lock and may come between the changes of a batch. Whoever writes may not.
/// - Threads: one at a time; a batch is a list.
/// - Memory: keeps references to the arrays it was given, so do not change them before the write.
/// - Limit: a batch is one contiguous piece of the log, so all of it together may take up to
///   [KvStore#BATCH_BYTES_MAX] bytes; a larger one is refused by the write as a whole.
public final class WriteBatch {
  private final List<Mutation> mutations = new ArrayList<>();

  /// A batch without changes.
  public WriteBatch() {}

  /// Adds: set `key` to plain bytes.
  public WriteBatch put(byte[] key, byte[] value) {
    return put(key, Value.of(value));
  }

  /// Adds: set `key` to a typed value.
  public WriteBatch put(byte[] key, Value value) {
    mutations.add(new Mutation.Put(key, value));
    return this;
  }

  /// Adds: set `key` to text.
  public WriteBatch put(String key, String value) {
    return put(Utf8.encode(key, "key"), Value.of(value));
  }

  /// Adds: remove `key`.
  public WriteBatch delete(byte[] key) {
    mutations.add(new Mutation.Delete(key));
    return this;
  }

  /// Adds: remove `key`.
  public WriteBatch delete(String key) {
    return delete(Utf8.encode(key, "key"));
  }

  /// The changes in order; a view that cannot be changed.
  public List<Mutation> mutations() {
    return Collections.unmodifiableList(mutations);
  }

  /// How many changes there are.
  public int size() {
    return mutations.size();
  }

  /// Forgets all changes.
  public void clear() {
    mutations.clear();
  }
}

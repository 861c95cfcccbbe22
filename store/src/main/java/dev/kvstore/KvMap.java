package dev.kvstore;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// A [KvStore] seen through codecs: keys and values of Java types.
///
/// Shares everything with the store it was made from, which must be closed by whoever opened it. As
/// safe for threads as its codecs.
public final class KvMap<K, V> {
  private final KvStore store;
  private final KeyCodec<K> keys;
  private final ValueCodec<V> values;

  KvMap(KvStore store, KeyCodec<K> keys, ValueCodec<V> values) {
    this.store = store;
    this.keys = keys;
    this.values = values;
  }

  /// The value of a key; empty if the key is absent.
  ///
  /// @throws StoreEncodingException if the stored value is of another type
  public Optional<V> get(K key) {
    return store.getValue(keys.encode(key)).map(values::decode);
  }

  /// The values of these keys, in their order; empty where a key is absent.
  public List<Optional<V>> getAll(Collection<? extends K> wanted) {
    List<Optional<V>> found = new ArrayList<>(wanted.size());
    for (K key : wanted) {
      found.add(get(key));
    }
    return found;
  }

  /// Sets a key. Returns the sequence number of the write.
  public long put(K key, V value) {
    return store.put(keys.encode(key), values.encode(value));
  }

  /// Sets all these keys, waiting for durability once; see [KvStore#putAll].
  public long putAll(Map<? extends K, ? extends V> entries) {
    List<Entry> encoded = new ArrayList<>(entries.size());
    entries.forEach((key, value) -> encoded.add(new Entry(keys.encode(key), values.encode(value))));
    return store.putAll(encoded);
  }

  /// Removes a key. Returns whether it was there.
  public boolean delete(K key) {
    return store.delete(keys.encode(key));
  }

  /// Whether the key is there.
  public boolean contains(K key) {
    return store.contains(keys.encode(key));
  }

  /// How many keys the store has, those of other types included.
  public long size() {
    return store.size();
  }

  /// All entries, in no particular order; see [KvStore#entries].
  public Stream<Map.Entry<K, V>> entries() {
    return store
        .entries()
        .map(entry -> Map.entry(keys.decode(entry.key()), values.decode(entry.value())));
  }

  /// All keys, in no particular order; see [KvStore#keys].
  public Stream<K> keys() {
    return store.keys().map(keys::decode);
  }

  /// The store underneath.
  public KvStore store() {
    return store;
  }
}

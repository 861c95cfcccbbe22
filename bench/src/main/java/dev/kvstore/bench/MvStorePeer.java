package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.List;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.type.ByteArrayDataType;
import org.jspecify.annotations.Nullable;

/// The storage of H2. Puts change pages on the heap; a thread of the store writes what was changed
/// once a second, or when its buffer is full. A durable put commits and forces by itself, since the
/// store has no group commit.
final class MvStorePeer implements Peer {
  private static final int SETTLE_MILLIS_MAX = 30_000;

  private final boolean durable;
  private final long cacheMib;
  private final MVStore store;
  private final MVMap<byte[], byte[]> map;

  MvStorePeer(Path directory, Opening opening) {
    durable = opening.durable();
    cacheMib = Opening.heapCacheBytes() >> 20;
    MVStore.Builder builder =
        new MVStore.Builder()
            .fileName(directory.resolve("data.mv").toString())
            .cacheSize((int) cacheMib);
    store = (durable ? builder.autoCommitDisabled() : builder).open();
    map =
        store.openMap(
            "data",
            new MVMap.Builder<byte[], byte[]>()
                .keyType(ByteArrayDataType.INSTANCE)
                .valueType(ByteArrayDataType.INSTANCE));
  }

  @Override
  public void put(byte[] key, byte[] value) {
    // The map keeps the arrays, and the caller uses them again.
    map.put(key.clone(), value.clone());
    force();
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    for (int i = 0; i < keys.size(); i++) {
      map.put(keys.get(i).clone(), values.get(i).clone());
    }
    force();
  }

  private void force() {
    if (durable) {
      store.commit();
      store.sync();
    }
  }

  /// A copy: what the map returns is its own.
  @Override
  public byte @Nullable [] get(byte[] key) {
    byte[] value = map.get(key);
    return value == null ? null : value.clone();
  }

  @Override
  public void delete(byte[] key) {
    map.remove(key);
    force();
  }

  @Override
  public void settle() {
    store.compactFile(SETTLE_MILLIS_MAX);
  }

  @Override
  public void handOver() {
    store.commit();
  }

  @Override
  public String settings() {
    return (durable
            ? "commit and sync after each put, one by one"
            : "changes are written once a second: the last one is lost at kill -9")
        + "; cache of pages "
        + cacheMib
        + " MiB on the heap; checksums of chunk headers, not of values; a batch is atomic only when"
        + " nobody else commits";
  }

  @Override
  public void close() {
    store.close();
  }
}

package dev.kvstore.bench;

import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.WriteBatch;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// This store, with every option but the durability at its default.
final class KvStorePeer implements Peer {
  private final KvStore store;
  private final boolean durable;

  KvStorePeer(Path directory, Opening opening) {
    durable = opening.durable();
    Durability durability = durable ? Durability.ALWAYS : Durability.OS;
    store = KvStore.open(directory, Options.builder().durability(durability).build());
  }

  KvStore store() {
    return store;
  }

  @Override
  public void put(byte[] key, byte[] value) {
    store.put(key, value);
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    WriteBatch batch = new WriteBatch();
    for (int i = 0; i < keys.size(); i++) {
      batch.put(keys.get(i), values.get(i));
    }
    store.write(batch);
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    return store.get(key);
  }

  @Override
  public List<byte @Nullable []> getAll(List<byte[]> keys) {
    return store.getAll(keys);
  }

  @Override
  public void delete(byte[] key) {
    store.delete(key);
  }

  @Override
  public OptionalLong indexBytes() {
    return OptionalLong.of(store.stats().indexBytes());
  }

  @Override
  public String settings() {
    return "Durability." + (durable ? "ALWAYS" : "OS") + ", all else default";
  }

  @Override
  public void close() {
    store.close();
  }
}

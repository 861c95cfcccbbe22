package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jetbrains.exodus.ArrayByteIterable;
import jetbrains.exodus.ByteIterable;
import jetbrains.exodus.env.Environment;
import jetbrains.exodus.env.EnvironmentConfig;
import jetbrains.exodus.env.Environments;
import jetbrains.exodus.env.Store;
import jetbrains.exodus.env.StoreConfig;
import jetbrains.exodus.env.Transaction;
import org.jspecify.annotations.Nullable;

/// JetBrains Xodus. Writing transactions are exclusive: those that are not, as is its default, run
/// again when another one was first.
final class XodusPeer implements Peer {
  private final boolean durable;
  private final long cacheBytes;
  private final Environment environment;
  private final Store store;

  XodusPeer(Path directory, Opening opening) {
    durable = opening.durable();
    cacheBytes = Opening.heapCacheBytes();
    environment =
        Environments.newInstance(
            directory.toFile(),
            new EnvironmentConfig()
                .setLogDurableWrite(durable)
                .setMemoryUsage(cacheBytes)
                .setLogCacheShared(false));
    store =
        environment.computeInTransaction(txn ->
            environment.openStore("data", StoreConfig.WITHOUT_DUPLICATES_WITH_PREFIXING, txn));
  }

  @Override
  public void put(byte[] key, byte[] value) {
    environment.executeInExclusiveTransaction(txn -> put(txn, key, value));
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    environment.executeInExclusiveTransaction(txn -> {
      for (int i = 0; i < keys.size(); i++) {
        put(txn, keys.get(i), values.get(i));
      }
    });
  }

  private void put(Transaction txn, byte[] key, byte[] value) {
    store.put(txn, new ArrayByteIterable(key), new ArrayByteIterable(value));
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    Transaction txn = environment.beginReadonlyTransaction();
    try {
      return get(txn, key);
    } finally {
      txn.abort();
    }
  }

  @Override
  public List<byte @Nullable []> getAll(List<byte[]> keys) {
    Transaction txn = environment.beginReadonlyTransaction();
    try {
      List<byte @Nullable []> values = new ArrayList<>(keys.size());
      for (byte[] key : keys) {
        values.add(get(txn, key));
      }
      return values;
    } finally {
      txn.abort();
    }
  }

  private byte @Nullable [] get(Transaction txn, byte[] key) {
    ByteIterable value = store.get(txn, new ArrayByteIterable(key));
    return value == null ? null : Arrays.copyOf(value.getBytesUnsafe(), value.getLength());
  }

  @Override
  public void delete(byte[] key) {
    environment.executeInExclusiveTransaction(txn -> store.delete(txn, new ArrayByteIterable(key)));
  }

  @Override
  public String settings() {
    return "log.durableWrite="
        + durable
        + "; WITHOUT_DUPLICATES_WITH_PREFIXING, one exclusive transaction per put; cache "
        + (cacheBytes >> 20)
        + " MiB on the heap; no checksums";
  }

  @Override
  public void close() {
    environment.close();
  }
}

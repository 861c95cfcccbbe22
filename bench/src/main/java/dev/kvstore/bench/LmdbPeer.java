package dev.kvstore.bench;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.lmdbjava.Dbi;
import org.lmdbjava.DbiFlags;
import org.lmdbjava.Env;
import org.lmdbjava.EnvFlags;
import org.lmdbjava.Txn;

/// LMDB, one transaction for each put. Reads renew a transaction that their thread keeps, as its
/// documentation advises.
final class LmdbPeer implements Peer {
  private static final long MAP_BYTES_MIN = 1L << 30;
  private static final int KEY_BYTES_MAX = 511;

  private final boolean durable;
  private final long mapBytes;
  private final Env<ByteBuffer> env;
  private final Dbi<ByteBuffer> dbi;

  private final Queue<Txn<ByteBuffer>> readers = new ConcurrentLinkedQueue<>();
  private final ThreadLocal<Buffers> buffers = ThreadLocal.withInitial(Buffers::new);
  private final ThreadLocal<Txn<ByteBuffer>> reading = ThreadLocal.withInitial(this::reader);

  /// What the arguments of one thread are copied to; LMDB takes memory outside the heap only.
  private static final class Buffers {
    private final ByteBuffer key = ByteBuffer.allocateDirect(KEY_BYTES_MAX);
    private ByteBuffer value = ByteBuffer.allocateDirect(1 << 10);

    ByteBuffer key(byte[] bytes) {
      return key.clear().put(bytes).flip();
    }

    ByteBuffer value(byte[] bytes) {
      if (value.capacity() < bytes.length) {
        value = ByteBuffer.allocateDirect(bytes.length);
      }
      return value.clear().put(bytes).flip();
    }
  }

  LmdbPeer(Path directory, Opening opening) {
    durable = opening.durable();
    mapBytes = Math.max(MAP_BYTES_MIN, 8 * opening.dataBytes());
    EnvFlags[] flags =
        durable
            ? new EnvFlags[] {EnvFlags.MDB_NOTLS}
            : new EnvFlags[] {EnvFlags.MDB_NOTLS, EnvFlags.MDB_WRITEMAP, EnvFlags.MDB_NOSYNC};
    env = Env.create().setMapSize(mapBytes).setMaxReaders(256).open(directory.toFile(), flags);
    dbi = env.openDbi((byte[]) null, DbiFlags.MDB_CREATE);
  }

  private Txn<ByteBuffer> reader() {
    Txn<ByteBuffer> reader = env.txnRead();
    reader.reset();
    readers.add(reader);
    return reader;
  }

  @Override
  public void put(byte[] key, byte[] value) {
    try (Txn<ByteBuffer> txn = env.txnWrite()) {
      put(txn, key, value);
      txn.commit();
    }
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    try (Txn<ByteBuffer> txn = env.txnWrite()) {
      for (int i = 0; i < keys.size(); i++) {
        put(txn, keys.get(i), values.get(i));
      }
      txn.commit();
    }
  }

  private void put(Txn<ByteBuffer> txn, byte[] key, byte[] value) {
    Buffers mine = buffers.get();
    if (!dbi.put(txn, mine.key(key), mine.value(value))) {
      throw new IllegalStateException("put failed");
    }
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    Txn<ByteBuffer> txn = reading.get();
    txn.renew();
    try {
      return get(txn, key);
    } finally {
      txn.reset();
    }
  }

  @Override
  public List<byte @Nullable []> getAll(List<byte[]> keys) {
    Txn<ByteBuffer> txn = reading.get();
    txn.renew();
    try {
      List<byte @Nullable []> values = new ArrayList<>(keys.size());
      for (byte[] key : keys) {
        values.add(get(txn, key));
      }
      return values;
    } finally {
      txn.reset();
    }
  }

  private byte @Nullable [] get(Txn<ByteBuffer> txn, byte[] key) {
    ByteBuffer found = dbi.get(txn, buffers.get().key(key));
    if (found == null) {
      return null;
    }
    byte[] value = new byte[found.remaining()];
    found.get(value);
    return value;
  }

  @Override
  public void delete(byte[] key) {
    try (Txn<ByteBuffer> txn = env.txnWrite()) {
      dbi.delete(txn, buffers.get().key(key));
      txn.commit();
    }
  }

  @Override
  public String settings() {
    return (durable ? "MDB_NOTLS" : "MDB_NOTLS, MDB_WRITEMAP, MDB_NOSYNC")
        + "; map of "
        + (mapBytes >> 20)
        + " MiB, sized in advance; one transaction per put, read transactions renewed";
  }

  @Override
  public void close() {
    readers.forEach(Txn::close);
    env.close();
  }
}

package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.mapdb.DB;
import org.mapdb.DBMaker;
import org.mapdb.HTreeMap;
import org.mapdb.Serializer;

/// MapDB with its hash map in a mapped file. Without its log of changes it is several times faster,
/// and a file that was not closed is not opened any more; so it has the log only for durable puts.
final class MapDbPeer implements Peer {
  private static final int SEGMENTS = 8;
  private static final int LEVELS = 4;
  private static final int DIRECTORY_MIN = 16;
  private static final int DIRECTORY_MAX = 128;
  private static final long INCREMENT_BYTES = 64L << 20;

  private final boolean durable;
  private final int directorySize;
  private final DB db;
  private final HTreeMap<byte[], byte[]> map;

  /// Commit saves what all threads have changed. Shared while one puts and commits, so that batches,
  /// which exclude the others, are committed as a whole.
  private final ReentrantReadWriteLock batches = new ReentrantReadWriteLock();

  MapDbPeer(Path directory, Opening opening) {
    durable = opening.durable();
    directorySize = directorySize(opening.keys());
    DBMaker.Maker maker =
        DBMaker.fileDB(directory.resolve("data.mapdb").toFile())
            .fileMmapEnable()
            .fileMmapPreclearDisable()
            .allocateIncrement(INCREMENT_BYTES);
    db = (durable ? maker.transactionEnable() : maker).make();
    map =
        db.hashMap("data", Serializer.BYTE_ARRAY, Serializer.BYTE_ARRAY)
            .layout(SEGMENTS, directorySize, LEVELS)
            .createOrOpen();
    if (durable) {
      db.commit();
    }
  }

  /// Its tree of directories does not get deeper; where it ends, entries share a leaf. It is to have
  /// room for all entries, says the documentation.
  private static int directorySize(long keys) {
    int size = DIRECTORY_MIN;
    while (size < DIRECTORY_MAX && SEGMENTS * Math.pow(size, LEVELS) < keys) {
      size *= 2;
    }
    return size;
  }

  @Override
  public void put(byte[] key, byte[] value) {
    if (!durable) {
      map.put(key, value);
      return;
    }
    batches.readLock().lock();
    try {
      map.put(key, value);
      db.commit();
    } finally {
      batches.readLock().unlock();
    }
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    batches.writeLock().lock();
    try {
      for (int i = 0; i < keys.size(); i++) {
        map.put(keys.get(i), values.get(i));
      }
      if (durable) {
        db.commit();
      }
    } finally {
      batches.writeLock().unlock();
    }
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    return map.get(key);
  }

  @Override
  public void delete(byte[] key) {
    batches.readLock().lock();
    try {
      map.remove(key);
      if (durable) {
        db.commit();
      }
    } finally {
      batches.readLock().unlock();
    }
  }

  @Override
  public String settings() {
    return (durable
            ? "transactions, commit after each put, one by one"
            : "no transactions: a file that was not closed, by kill -9 as by power loss, is not opened"
                + " any more; a batch is not atomic")
        + "; mapped file, hash map of "
        + SEGMENTS
        + " x "
        + directorySize
        + "^"
        + LEVELS
        + ", sized for the number of keys; no checksums";
  }

  @Override
  public void close() {
    db.close();
  }
}

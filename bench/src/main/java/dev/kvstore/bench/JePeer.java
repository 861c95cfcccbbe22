package dev.kvstore.bench;

import com.sleepycat.je.CheckpointConfig;
import com.sleepycat.je.Database;
import com.sleepycat.je.DatabaseConfig;
import com.sleepycat.je.DatabaseEntry;
import com.sleepycat.je.Durability;
import com.sleepycat.je.Environment;
import com.sleepycat.je.EnvironmentConfig;
import com.sleepycat.je.LockMode;
import com.sleepycat.je.OperationStatus;
import com.sleepycat.je.Transaction;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Berkeley DB Java Edition. A put without a transaction is one of its own; commits of several
/// threads share a force.
final class JePeer implements Peer {
  private final boolean durable;
  private final long cacheBytes;
  private final Environment environment;
  private final Database database;

  JePeer(Path directory, Opening opening) {
    durable = opening.durable();
    cacheBytes = Opening.heapCacheBytes();
    EnvironmentConfig config = new EnvironmentConfig();
    config
        .setAllowCreate(true)
        .setTransactional(true)
        .setCacheSize(cacheBytes)
        .setDurability(durable ? Durability.COMMIT_SYNC : Durability.COMMIT_WRITE_NO_SYNC);
    environment = new Environment(directory.toFile(), config);
    database =
        environment.openDatabase(
            null, "data", new DatabaseConfig().setAllowCreate(true).setTransactional(true));
  }

  @Override
  public void put(byte[] key, byte[] value) {
    database.put(null, new DatabaseEntry(key), new DatabaseEntry(value));
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    Transaction txn = environment.beginTransaction(null, null);
    for (int i = 0; i < keys.size(); i++) {
      database.put(txn, new DatabaseEntry(keys.get(i)), new DatabaseEntry(values.get(i)));
    }
    txn.commit();
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    DatabaseEntry value = new DatabaseEntry();
    return database.get(null, new DatabaseEntry(key), value, LockMode.DEFAULT)
            == OperationStatus.SUCCESS
        ? value.getData()
        : null;
  }

  @Override
  public void delete(byte[] key) {
    database.delete(null, new DatabaseEntry(key));
  }

  @Override
  public void settle() {
    environment.checkpoint(new CheckpointConfig().setForce(true));
  }

  @Override
  public String settings() {
    return (durable ? "COMMIT_SYNC" : "COMMIT_WRITE_NO_SYNC")
        + "; cache "
        + (cacheBytes >> 20)
        + " MiB on the heap, all else default; checksums are verified when a record enters the cache,"
        + " not for each get";
  }

  @Override
  public void close() {
    database.close();
    environment.close();
  }
}

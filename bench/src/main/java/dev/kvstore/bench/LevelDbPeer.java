package dev.kvstore.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.fusesource.leveldbjni.JniDBFactory;
import org.iq80.leveldb.CompressionType;
import org.iq80.leveldb.DB;
import org.iq80.leveldb.Options;
import org.iq80.leveldb.WriteBatch;
import org.iq80.leveldb.WriteOptions;
import org.jspecify.annotations.Nullable;

/// The LevelDB of Google through leveldbjni, the native library and not the port to Java. It cannot
/// be given a bloom filter. The values are random, so nothing is compressed.
final class LevelDbPeer implements Peer {
  private static final int WRITE_BUFFER_BYTES = 64 << 20;
  private static final int OPEN_FILES_MAX = 10_000;

  private final boolean durable;
  private final long cacheBytes;
  private final WriteOptions writes;
  private final DB db;

  LevelDbPeer(Path directory, Opening opening) {
    durable = opening.durable();
    cacheBytes = opening.cacheBytes();
    writes = new WriteOptions().sync(durable);
    Options options =
        new Options()
            .createIfMissing(true)
            .compressionType(CompressionType.NONE)
            .cacheSize(cacheBytes)
            .writeBufferSize(WRITE_BUFFER_BYTES)
            .maxOpenFiles(OPEN_FILES_MAX);
    try {
      db = JniDBFactory.factory.open(directory.toFile(), options);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void put(byte[] key, byte[] value) {
    db.put(key, value, writes);
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    try (WriteBatch batch = db.createWriteBatch()) {
      for (int i = 0; i < keys.size(); i++) {
        batch.put(keys.get(i), values.get(i));
      }
      db.write(batch, writes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    return db.get(key);
  }

  @Override
  public void delete(byte[] key) {
    db.delete(key, writes);
  }

  @Override
  public void settle() {
    db.compactRange(null, null);
  }

  @Override
  public String settings() {
    return "log on, sync="
        + durable
        + "; block cache "
        + (cacheBytes >> 20)
        + " MiB, write buffer "
        + (WRITE_BUFFER_BYTES >> 20)
        + " MiB, no compression, no bloom filter (the binding has none), compacted in full before"
        + " reads; checksums are not verified by reads";
  }

  @Override
  public void close() {
    try {
      db.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

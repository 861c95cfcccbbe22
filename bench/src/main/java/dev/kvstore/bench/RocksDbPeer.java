package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.CompressionType;
import org.rocksdb.DataBlockIndexType;
import org.rocksdb.FlushOptions;
import org.rocksdb.HyperClockCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/// RocksDB, with what its `OptimizeForPointLookup` sets, written out, and a block cache that holds
/// everything, of the kind that is recommended now. The values are random, so nothing is compressed.
final class RocksDbPeer implements Peer {
  static {
    RocksDB.loadLibrary();
  }

  private final boolean durable;
  private final long cacheBytes;
  private final boolean allFits;
  private final Cache cache;
  private final BloomFilter filter = new BloomFilter(10);
  private final Options options;
  private final WriteOptions writes;
  private final ReadOptions reads = new ReadOptions();
  private final RocksDB db;

  RocksDbPeer(Path directory, Opening opening) {
    durable = opening.durable();
    cacheBytes = opening.cacheBytes();
    allFits = cacheBytes >= opening.dataBytes();
    cache = new HyperClockCache(cacheBytes, 0, -1, false);
    options =
        new Options()
            .setCreateIfMissing(true)
            .setIncreaseParallelism(Runtime.getRuntime().availableProcessors())
            .setCompressionType(CompressionType.NO_COMPRESSION)
            .setBytesPerSync(1 << 20)
            .setMemtablePrefixBloomSizeRatio(0.02)
            .setMemtableWholeKeyFiltering(true)
            .setTableFormatConfig(
                new BlockBasedTableConfig()
                    .setBlockCache(cache)
                    .setFilterPolicy(filter)
                    .setWholeKeyFiltering(true)
                    .setDataBlockIndexType(DataBlockIndexType.kDataBlockBinaryAndHash)
                    .setDataBlockHashTableUtilRatio(0.75));
    writes = new WriteOptions().setSync(durable);
    try {
      db = RocksDB.open(options, directory.toString());
    } catch (RocksDBException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void put(byte[] key, byte[] value) {
    try {
      db.put(writes, key, value);
    } catch (RocksDBException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    try (WriteBatch batch = new WriteBatch()) {
      for (int i = 0; i < keys.size(); i++) {
        batch.put(keys.get(i), values.get(i));
      }
      db.write(writes, batch);
    } catch (RocksDBException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    try {
      return db.get(reads, key);
    } catch (RocksDBException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public List<byte @Nullable []> getAll(List<byte[]> keys) {
    try {
      // A copy, for the type: an absent key is null.
      return new ArrayList<byte @Nullable []>(db.multiGetAsList(reads, keys));
    } catch (RocksDBException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void delete(byte[] key) {
    try {
      db.delete(writes, key);
    } catch (RocksDBException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void settle() {
    try (FlushOptions flush = new FlushOptions()) {
      db.flush(flush);
      db.compactRange();
    } catch (RocksDBException e) {
      throw new IllegalStateException(e);
    }
  }

  /// Index and filter blocks of the tables that are open; the keys in the block cache not counted.
  @Override
  public OptionalLong indexBytes() {
    try {
      return OptionalLong.of(db.getLongProperty("rocksdb.estimate-table-readers-mem"));
    } catch (RocksDBException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public String settings() {
    return "WAL on, sync="
        + durable
        + "; HyperClockCache "
        + (cacheBytes >> 20)
        + (allFits ? " MiB (all data fits)" : " MiB")
        + ", bloom filter 10 bits per key over whole keys, in memtables too,"
        + " hash index in data blocks, no compression, compacted in full before reads";
  }

  @Override
  public void close() {
    db.close();
    reads.close();
    writes.close();
    options.close();
    filter.close();
    cache.close();
  }
}

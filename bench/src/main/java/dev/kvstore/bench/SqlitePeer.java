package dev.kvstore.bench;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// SQLite with a write-ahead log: one connection writes, each reader has one for itself, statements
/// are prepared once.
final class SqlitePeer implements Peer {
  private static final int PAGE_BYTES = 4096;

  /// What the library was compiled for.
  private static final long MAPPED_BYTES_MAX = 0x7fff_0000L;

  private final boolean durable;
  private final boolean clustered;
  private final String url;
  private final long cacheBytes;

  // Guarded by writing.
  private final ReentrantLock writing = new ReentrantLock();
  private final Connection writer;
  private final PreparedStatement put;
  private final PreparedStatement delete;

  /// Connections that nobody reads with at the moment.
  private final Deque<Reader> readers = new ConcurrentLinkedDeque<>();

  private record Reader(Connection connection, PreparedStatement get) {}

  SqlitePeer(Path directory, Opening opening) {
    durable = opening.durable();
    cacheBytes = opening.cacheBytes();
    // Its documentation says so: rows of up to a twentieth of a page belong into the tree of keys.
    clustered = opening.keyBytes() + opening.valueBytes() <= PAGE_BYTES / 20;
    url = "jdbc:sqlite:" + directory.resolve("data.sqlite");
    try {
      writer = connect();
      try (Statement statement = writer.createStatement()) {
        statement.execute(
            "CREATE TABLE IF NOT EXISTS data (k BLOB PRIMARY KEY, v BLOB NOT NULL)"
                + (clustered ? " WITHOUT ROWID" : ""));
      }
      put =
          writer.prepareStatement(
              "INSERT INTO data VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v");
      delete = writer.prepareStatement("DELETE FROM data WHERE k = ?");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private Connection connect() throws SQLException {
    Connection connection = DriverManager.getConnection(url);
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA page_size = " + PAGE_BYTES);
      statement.execute("PRAGMA journal_mode = WAL");
      statement.execute("PRAGMA synchronous = " + (durable ? "FULL" : "NORMAL"));
      statement.execute("PRAGMA cache_size = -" + (cacheBytes >> 10));
      statement.execute("PRAGMA mmap_size = " + MAPPED_BYTES_MAX);
    }
    return connection;
  }

  @Override
  public void put(byte[] key, byte[] value) {
    writing.lock();
    try {
      execute(key, value);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    } finally {
      writing.unlock();
    }
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    writing.lock();
    try {
      writer.setAutoCommit(false);
      for (int i = 0; i < keys.size(); i++) {
        execute(keys.get(i), values.get(i));
      }
      writer.commit();
      writer.setAutoCommit(true);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    } finally {
      writing.unlock();
    }
  }

  private void execute(byte[] key, byte[] value) throws SQLException {
    put.setBytes(1, key);
    put.setBytes(2, value);
    put.executeUpdate();
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    try {
      Reader reader = reader();
      byte[] value = get(reader, key);
      readers.push(reader);
      return value;
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /// In one transaction, which takes its lock once.
  @Override
  public List<byte @Nullable []> getAll(List<byte[]> keys) {
    try {
      Reader reader = reader();
      reader.connection.setAutoCommit(false);
      List<byte @Nullable []> values = new ArrayList<>(keys.size());
      for (byte[] key : keys) {
        values.add(get(reader, key));
      }
      reader.connection.commit();
      reader.connection.setAutoCommit(true);
      readers.push(reader);
      return values;
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private Reader reader() throws SQLException {
    Reader free = readers.poll();
    if (free != null) {
      return free;
    }
    Connection connection = connect();
    return new Reader(connection, connection.prepareStatement("SELECT v FROM data WHERE k = ?"));
  }

  private static byte @Nullable [] get(Reader reader, byte[] key) throws SQLException {
    reader.get.setBytes(1, key);
    try (ResultSet found = reader.get.executeQuery()) {
      return found.next() ? found.getBytes(1) : null;
    }
  }

  @Override
  public void delete(byte[] key) {
    writing.lock();
    try {
      delete.setBytes(1, key);
      delete.executeUpdate();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    } finally {
      writing.unlock();
    }
  }

  @Override
  public void settle() {
    writing.lock();
    try (Statement statement = writer.createStatement()) {
      statement.execute("PRAGMA wal_checkpoint(TRUNCATE)");
      statement.execute("PRAGMA optimize");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    } finally {
      writing.unlock();
    }
  }

  @Override
  public String settings() {
    return "journal_mode=WAL, synchronous="
        + (durable ? "FULL" : "NORMAL")
        + "; key is a BLOB, "
        + (clustered ? "WITHOUT ROWID" : "with rowid, since rows are large")
        + ", mmap_size "
        + (MAPPED_BYTES_MAX >> 20)
        + " MiB, cache_size "
        + (cacheBytes >> 20)
        + " MiB, one transaction per put; no checksums outside the log";
  }

  @Override
  public void close() {
    try {
      for (Reader reader : readers) {
        reader.connection.close();
      }
      writer.close();
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }
}

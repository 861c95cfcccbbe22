package dev.kvstore.bench;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// A `ConcurrentHashMap`, for the ceiling: no disk, no checksums, arrays shared with nobody.
///
/// It keeps nothing. So that it can take part in rows that read what an earlier JVM loaded, this
/// adapter carries the entries over in a file. Rows that measure opening are not for it.
final class HeapMapPeer implements Peer {
  private final Path entries;
  private final ConcurrentHashMap<Key, byte[]> map;

  /// An array that is equal to another of the same bytes.
  private static final class Key {
    private final byte[] bytes;
    private final int hash;

    Key(byte[] bytes) {
      this.bytes = bytes;
      hash = Arrays.hashCode(bytes);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key key && Arrays.equals(bytes, key.bytes);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  HeapMapPeer(Path directory, Opening opening) {
    if (opening.durable()) {
      throw new IllegalArgumentException("nothing on the heap is durable");
    }
    entries = directory.resolve("entries");
    map = new ConcurrentHashMap<>();
    if (Files.exists(entries)) {
      read();
    }
  }

  private void read() {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(entries), 1 << 16))) {
      for (long left = in.readLong(); left > 0; left--) {
        byte[] key = in.readNBytes(in.readInt());
        byte[] value = in.readNBytes(in.readInt());
        map.put(new Key(key), value);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void put(byte[] key, byte[] value) {
    map.put(new Key(key.clone()), value.clone());
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    for (int i = 0; i < keys.size(); i++) {
      put(keys.get(i), values.get(i));
    }
  }

  /// A copy, as every other store makes one.
  @Override
  public byte @Nullable [] get(byte[] key) {
    byte[] value = map.get(new Key(key));
    return value == null ? null : value.clone();
  }

  @Override
  public void delete(byte[] key) {
    map.remove(new Key(key));
  }

  @Override
  public String settings() {
    return "on the heap; nothing is kept, no checksums; a batch is not atomic";
  }

  @Override
  public void close() {
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(entries), 1 << 16))) {
      out.writeLong(map.size());
      for (Map.Entry<Key, byte[]> entry : map.entrySet()) {
        out.writeInt(entry.getKey().bytes.length);
        out.write(entry.getKey().bytes);
        out.writeInt(entry.getValue().length);
        out.write(entry.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

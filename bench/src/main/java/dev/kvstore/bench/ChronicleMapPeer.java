package dev.kvstore.bench;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import net.openhft.chronicle.map.ChronicleMap;
import net.openhft.chronicle.map.ChronicleMapBuilder;
import org.jspecify.annotations.Nullable;

/// Chronicle Map in a file: memory shared with the kernel, that nothing forces to the disk.
///
/// After a kill it has to be told to recover, which it does not find out itself; a file beside it says
/// that it was not closed.
final class ChronicleMapPeer implements Peer {
  private final long keys;
  private final boolean recovered;
  private final Path openMark;
  private final ChronicleMap<byte[], byte[]> map;

  ChronicleMapPeer(Path directory, Opening opening) {
    if (opening.durable()) {
      throw new IllegalArgumentException("Chronicle Map forces nothing");
    }
    keys = opening.keys();
    ChronicleMapBuilder<byte[], byte[]> builder =
        ChronicleMapBuilder.of(byte[].class, byte[].class)
            .name("data")
            .entries(keys)
            .constantKeySizeBySample(new byte[opening.keyBytes()])
            .constantValueSizeBySample(new byte[opening.valueBytes()])
            .putReturnsNull(true)
            .removeReturnsNull(true);
    File file = directory.resolve("data.chronicle").toFile();
    openMark = directory.resolve("open");
    recovered = Files.exists(openMark);
    try {
      map = recovered ? builder.recoverPersistedTo(file, true) : builder.createPersistedTo(file);
      Files.write(openMark, new byte[0]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void put(byte[] key, byte[] value) {
    map.put(key, value);
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    for (int i = 0; i < keys.size(); i++) {
      map.put(keys.get(i), values.get(i));
    }
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    return map.get(key);
  }

  @Override
  public void delete(byte[] key) {
    map.remove(key);
  }

  @Override
  public String settings() {
    return "persisted to a mapped file, never forced: power loss may destroy it"
        + (recovered ? "; opened with recovery" : "")
        + "; sized in advance for "
        + keys
        + " entries of constant size; a checksum per entry is written by puts and verified by recovery,"
        + " not by reads; a batch is not atomic";
  }

  @Override
  public void close() {
    map.close();
    try {
      Files.delete(openMark);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package dev.kvstore.bench;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// A map that counts what it is asked for.
final class MapPeer implements Peer {
  final Map<ByteBuffer, byte[]> map = new ConcurrentHashMap<>();
  final LongAdder gets = new LongAdder();
  final LongAdder puts = new LongAdder();

  /// All keys at version 0.
  static MapPeer loaded(Data data) {
    MapPeer peer = new MapPeer();
    for (long number = 0; number < data.keys(); number++) {
      peer.put(data.key(number), data.value(number, 0));
    }
    peer.puts.reset();
    return peer;
  }

  @Override
  public void put(byte[] key, byte[] value) {
    puts.increment();
    map.put(ByteBuffer.wrap(key.clone()), value.clone());
  }

  @Override
  public void putBatch(List<byte[]> keys, List<byte[]> values) {
    throw new UnsupportedOperationException();
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    gets.increment();
    return map.get(ByteBuffer.wrap(key));
  }

  @Override
  public void delete(byte[] key) {
    map.remove(ByteBuffer.wrap(key));
  }

  @Override
  public String settings() {
    return "";
  }

  @Override
  public void close() {}
}

package dev.kvstore.engine;

import dev.kvstore.Encoding;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.Value;
import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.Mapping;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// How a value is read: hash, index, key, value, checksum.
///
/// No lock, but the append lock for a key that may be hidden by a blind write of another, see [Displaced]; no
/// garbage besides the value (for many keys, also what a chunk of them is kept in); no system call but those of
/// [Residency]. Every method may be called from any thread and throws [IllegalStateException] once the store is
/// closed.
final class ReadPath {
  private final HashIndex index;
  private final SegmentTable segments;
  private final Residency residency;
  private final KeyHasher hasher;
  private final ThreadLocal<KeyLookup> lookups;

  private final LongAdder gets = new LongAdder();
  private final LongAdder corruptReads = new LongAdder();

  ReadPath(
      HashIndex index,
      SegmentTable segments,
      Residency residency,
      Displaced displaced,
      KeyHasher hasher,
      boolean verify) {
    this.index = index;
    this.segments = segments;
    this.residency = residency;
    this.hasher = hasher;
    this.lookups =
        ThreadLocal.withInitial(() -> new KeyLookup(index, segments, residency, verify, displaced));
  }

  byte @Nullable [] get(byte[] key) {
    Arguments.checkKey(key);
    gets.increment();
    return get(hasher.hash(key), key);
  }

  private byte @Nullable [] get(long hash, byte[] key) {
    KeyLookup lookup = lookups.get();
    try {
      while (lookup.findOrThrow(hash, key)) {
        byte[] value = lookup.copyValue();
        if (value != null) {
          return value;
        }
      }
      return null;
    } catch (StoreCorruptionException e) {
      corruptReads.increment();
      throw e;
    }
  }

  Optional<Value> getValue(byte[] key) {
    Arguments.checkKey(key);
    gets.increment();
    KeyLookup lookup = lookups.get();
    long hash = hasher.hash(key);
    try {
      while (lookup.findOrThrow(hash, key)) {
        byte[] value = lookup.copyValue();
        Encoding encoding = lookup.encoding();
        if (value != null && encoding != null) {
          return Optional.of(Value.decode(encoding, value));
        }
      }
      return Optional.empty();
    } catch (StoreCorruptionException e) {
      corruptReads.increment();
      throw e;
    }
  }

  <R> Optional<R> get(byte[] key, Function<? super MemorySegment, ? extends @Nullable R> reader) {
    Arguments.checkKey(key);
    gets.increment();
    KeyLookup lookup = lookups.get();
    long hash = hasher.hash(key);
    try {
      while (lookup.findOrThrow(hash, key)) {
        Mapping pinned = lookup.pin();
        if (pinned == null) {
          continue;
        }
        try {
          long size = lookup.verifiedValueSize();
          if (size >= 0) {
            return Optional.ofNullable(reader.apply(lookup.valueSlice(size)));
          }
        } finally {
          pinned.unpin();
        }
      }
      return Optional.empty();
    } catch (StoreCorruptionException e) {
      corruptReads.increment();
      throw e;
    }
  }

  /// Reads many keys, a chunk at a time whose waits for memory overlap.
  void getAll(Collection<byte[]> keys, Collection<byte @Nullable []> values) {
    if (keys.isEmpty()) {
      return;
    }
    byte[][] chunk = new byte[Math.min(LoadAhead.KEYS_MAX, keys.size())][];
    long[] hashes = new long[chunk.length];
    LoadAhead ahead = new LoadAhead(index, segments, residency, chunk.length);
    int filled = 0;
    for (byte[] key : keys) {
      Arguments.checkKey(key);
      chunk[filled] = key;
      filled++;
      if (filled == chunk.length) {
        getChunk(chunk, hashes, filled, ahead, values);
        filled = 0;
      }
    }
    getChunk(chunk, hashes, filled, ahead, values);
  }

  private void getChunk(
      byte[][] keys,
      long[] hashes,
      int count,
      LoadAhead ahead,
      Collection<byte @Nullable []> values) {
    for (int i = 0; i < count; i++) {
      hashes[i] = hasher.hash(keys[i]);
    }
    try {
      ahead.load(hashes, 0, count);
    } catch (InternalError lost) {
      throw KeyLookup.lostMemory(lost);
    }
    gets.add(count);
    for (int i = 0; i < count; i++) {
      values.add(get(hashes[i], keys[i]));
    }
  }

  boolean contains(byte[] key) {
    Arguments.checkKey(key);
    gets.increment();
    return lookups.get().findOrThrow(hasher.hash(key), key);
  }

  OptionalLong valueSize(byte[] key) {
    Arguments.checkKey(key);
    gets.increment();
    KeyLookup lookup = lookups.get();
    long hash = hasher.hash(key);
    while (lookup.findOrThrow(hash, key)) {
      long size = lookup.verifiedValueSize();
      if (size >= 0) {
        return OptionalLong.of(size);
      }
    }
    return OptionalLong.empty();
  }

  long gets() {
    return gets.sum();
  }

  long corruptReads() {
    return corruptReads.sum();
  }
}

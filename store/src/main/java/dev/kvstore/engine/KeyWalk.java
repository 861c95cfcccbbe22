package dev.kvstore.engine;

import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.locks.Lock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Walks over all keys, in the order of their hashes, a hundred or so at a time.
///
/// Each step takes one range of hashes atomically from the index, so a key that stands throughout is
/// met exactly once, whatever grows, moves or is compacted meanwhile. Between steps nothing is held.
final class KeyWalk extends Spliterators.AbstractSpliterator<byte[]> {
  private final HashIndex index;
  private final SegmentTable segments;
  private final Lock walkLock;
  private final ArrayDeque<byte[]> keys = new ArrayDeque<>();

  private long position = HashIndex.START;
  private long[] addresses = new long[256];
  private int addressCount;

  KeyWalk(HashIndex index, SegmentTable segments, Lock walkLock, long sizeEstimate) {
    super(sizeEstimate, Spliterator.DISTINCT | Spliterator.NONNULL);
    this.index = index;
    this.segments = segments;
    this.walkLock = walkLock;
  }

  @Override
  public boolean tryAdvance(Consumer<? super byte[]> action) {
    while (keys.isEmpty()) {
      if (position == HashIndex.END) {
        return false;
      }
      step();
    }
    action.accept(keys.remove());
    return true;
  }

  private void step() {
    // While this is held, compaction unmaps nothing that an address in the index led to.
    walkLock.lock();
    try {
      addressCount = 0;
      position = index.collect(position, this::add);
      for (int i = 0; i < addressCount; i++) {
        byte[] key = keyAt(addresses[i]);
        if (key != null) {
          keys.add(key);
        }
      }
    } finally {
      walkLock.unlock();
    }
  }

  private void add(long address) {
    if (addressCount == addresses.length) {
      addresses = Arrays.copyOf(addresses, addressCount * 2);
    }
    addresses[addressCount++] = address;
  }

  @SuppressWarnings({"ReferenceEquality", "MemorySegmentReferenceEquality"}) // the very mapping
  private byte @Nullable [] keyAt(long address) {
    while (true) {
      Segment segment = segments.at(address);
      if (segment == null) {
        return null;
      }
      MemorySegment log = segment.memory();
      try {
        long at = segment.offsetOf(address);
        byte[] key = new byte[RecordFormat.keySize(log, at)];
        MemorySegment.copy(
            log, ValueLayout.JAVA_BYTE, at + RecordFormat.HEADER_BYTES, key, 0, key.length);
        return key;
      } catch (IllegalStateException e) {
        // Sealing has mapped it anew between the two lines; or the store is closed, which the next
        // question to the index tells.
        if (segment.memory() == log) {
          throw e;
        }
      }
    }
  }
}

package dev.kvstore.engine;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.index.Interruption;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.RecordChecksum;
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
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Walks over all keys, in the order of their hashes, a hundred or so at a time.
///
/// Each step takes one range of hashes atomically from the index, so a key that stands throughout is
/// met exactly once, whatever grows, moves or is compacted meanwhile. What is [Displaced] in that range is
/// settled, and the step is made again if a key had its only record there. Between steps nothing is held.
final class KeyWalk extends Spliterators.AbstractSpliterator<byte[]> {
  private final HashIndex index;
  private final Displaced displaced;
  private final SegmentTable segments;
  private final KeyHasher hasher;
  private final Lock walkLock;
  private final Function<IllegalStateException, RuntimeException> closedOr;
  private final RecordChecksum checksum = new RecordChecksum();
  private final Interruption interruption = new Interruption();
  private final ArrayDeque<byte[]> keys = new ArrayDeque<>();

  private long position = HashIndex.START;
  private long[] addresses = new long[256];
  private int addressCount;

  KeyWalk(
      HashIndex index,
      Displaced displaced,
      SegmentTable segments,
      KeyHasher hasher,
      Lock walkLock,
      Function<IllegalStateException, RuntimeException> closedOr,
      long sizeEstimate) {
    super(sizeEstimate, Spliterator.DISTINCT | Spliterator.NONNULL);
    this.index = index;
    this.displaced = displaced;
    this.segments = segments;
    this.hasher = hasher;
    this.closedOr = closedOr;
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
      collect();
      for (int i = 0; i < addressCount; i++) {
        byte[] key = keyAt(addresses[i]);
        if (key != null) {
          keys.add(key);
        }
      }
    } catch (IllegalStateException e) {
      throw closedOr.apply(e);
    } finally {
      walkLock.unlock();
    }
  }

  private void collect() {
    long next;
    long restored;
    do {
      restored = displaced.restored();
      addressCount = 0;
      next = index.collect(position, this::add);
      displaced.settleBetween(position, next);
    } while (displaced.restored() != restored);
    position = next;
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
      interruption.begin();
      try {
        long at = segment.offsetOf(address);
        String problem = RecordFormat.problem(log, at, segment.end());
        if (problem != null) {
          throw damaged(segment, at, problem);
        }
        byte[] key = new byte[RecordFormat.keySize(log, at)];
        MemorySegment.copy(
            log, ValueLayout.JAVA_BYTE, at + RecordFormat.HEADER_BYTES, key, 0, key.length);
        requireIntact(segment, log, at, address, key);
        return key;
      } catch (InternalError e) {
        throw segment.lost(e);
      } catch (IllegalStateException e) {
        interruption.collided();
        // Sealing has mapped it anew between the two lines; or the store is closed, which the next
        // question to the index tells.
        if (segment.memory() == log) {
          throw e;
        }
      }
    }
  }

  /// The index vouches for a key whose hash it holds at that address. For one that it does not, because
  /// the entry has moved on or because the key is damaged, the record's checksum decides.
  private void requireIntact(
      Segment segment, MemorySegment log, long at, long address, byte[] key) {
    if (index.contains(hasher.hash(key), address)) {
      return;
    }
    long valueSize = RecordFormat.valueSize(log, at);
    if (!checksum.verifies(log, at, key.length, valueSize, segment.salt())) {
      throw damaged(segment, at, "the record does not verify");
    }
  }

  private static StoreCorruptionException damaged(Segment segment, long at, String problem) {
    return new StoreCorruptionException(
        segment.name(), at, problem + "; other records are not concerned; verify the store");
  }
}

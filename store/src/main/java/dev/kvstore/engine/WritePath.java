package dev.kvstore.engine;

import dev.kvstore.Encoding;
import dev.kvstore.KvStore;
import dev.kvstore.Mutation;
import dev.kvstore.StoreEncodingException;
import dev.kvstore.StoreFailedException;
import dev.kvstore.StoreTooLargeException;
import dev.kvstore.Value;
import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.RecordChecksum;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentWriter;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// How a write happens: check and sum outside the lock; under it sequence, log, index; then the caller
/// waits as [GroupCommit] tells. What a batch or an increment appends is summed under the lock. A put
/// that would have to wait for the disk to see what it replaces does not look at it: [Displaced].
///
/// - Threads: any number of callers; one at a time under the append lock.
/// - Visibility: a write is in the index when the method returns, whether durable or not.
/// - Failure: a write that throws has not happened; what it had appended is made invalid again. If that
///   is impossible, or if half of a batch is in the index already, the store takes no more writes, and
///   the next open tells whether it has happened as a whole.
///
/// Methods return the sequence of the write for the caller to wait for, or [#NOTHING].
final class WritePath {
  /// Nothing was written.
  static final long NOTHING = 0;

  private static final byte[] EMPTY = {};

  private final Log log;
  private final HashIndex index;
  private final KeyHasher hasher;
  private final InstantSource clock;
  private final GroupCommit commit;
  private final Displaced displaced;
  private final Settlement settlement;
  private final LongConsumer garbageListener;
  private final ThreadLocal<Scratch> scratches;

  // Guarded by the append lock.
  private final KeyLookup lookup;
  private final LoadAhead ahead;
  private long garbageTold; // to the listener

  // Written under the append lock, with release; read by any.
  private final AtomicLong size = new AtomicLong();
  private final AtomicLong garbageBytes = new AtomicLong(); // that writes have made since the open

  private final AtomicLong puts = new AtomicLong();
  private final AtomicLong deletes = new AtomicLong();

  /// What a thread needs for a write before it has the append lock.
  ///
  /// @param lookup finds the record that is going to be replaced: it waits for memory without keeping
  ///     others from writing
  private record Scratch(KeyLookup lookup, RecordChecksum checksum) {}

  WritePath(
      Log log,
      HashIndex index,
      SegmentTable segments,
      Residency residency,
      InstantSource clock,
      GroupCommit commit,
      Displaced displaced,
      Settlement settlement,
      LongConsumer garbageListener) {
    this.log = log;
    this.index = index;
    this.hasher = log.hasher();
    this.clock = clock;
    this.commit = commit;
    this.displaced = displaced;
    this.settlement = settlement;
    this.garbageListener = garbageListener;
    this.lookup = new KeyLookup(index, segments, residency, true, displaced);
    this.ahead = new LoadAhead(index, segments, residency, LoadAhead.KEYS_MAX);
    this.scratches =
        ThreadLocal.withInitial(() ->
            new Scratch(
                new KeyLookup(index, segments, residency, true, displaced), new RecordChecksum()));
    this.size.set(index.size());
  }

  // ---- The writes

  long put(byte[] key, Encoding encoding, byte[] value) {
    Arguments.checkKey(key);
    Arguments.checkValue(value);
    long now = clock.millis();
    long hash = hasher.hash(key);
    Scratch scratch = scratches.get();
    KeyLookup seen = findOld(scratch.lookup, hash, key);
    scratch.checksum.startBody(key, value);
    log.appendLock.lock();
    try {
      SegmentWriter writer = log.writerFor(bytesOf(key, value), false);
      return appendPut(writer, hash, key, encoding, value, scratch.checksum, seen, now);
    } finally {
      unlock();
    }
  }

  /// Removes a key. [#NOTHING] if it is not there.
  long delete(byte[] key) {
    Arguments.checkKey(key);
    long hash = hasher.hash(key);
    log.appendLock.lock();
    try {
      SegmentWriter writer = writerIfPresent(hash, key);
      return writer != null && lookup.findOrThrow(hash, key)
          ? appendDelete(writer, hash, key)
          : NOTHING;
    } finally {
      unlock();
    }
  }

  /// A writer for a tombstone; null if there is nothing to remove, which needs no room.
  private @Nullable SegmentWriter writerIfPresent(long hash, byte[] key) {
    boolean present = lookup.findOrThrow(hash, key);
    if (!present) {
      log.throwIfNotWritable();
      return null;
    }
    return log.writerFor(bytesOf(key, EMPTY), true);
  }

  /// The outcome of a compare-and-set.
  ///
  /// @param sequence of the write, or [#NOTHING]
  /// @param matched whether the value was as expected
  record Exchange(long sequence, boolean matched) {}

  /// Sets or removes a key if its value is as expected; null stands for an absent key on both sides.
  Exchange compareAndSet(byte[] key, byte @Nullable [] expected, byte @Nullable [] value) {
    Arguments.checkKey(key);
    if (value != null) {
      Arguments.checkValue(value);
    }
    long hash = hasher.hash(key);
    RecordChecksum checksum = scratches.get().checksum;
    if (value != null) {
      checksum.startBody(key, value);
    }
    log.appendLock.lock();
    try {
      if (!Arrays.equals(current(hash, key), expected)) {
        log.throwIfNotWritable();
        return new Exchange(NOTHING, false); // without asking for room that is not needed
      }
      SegmentWriter writer =
          log.writerFor(bytesOf(key, value == null ? EMPTY : value), value == null);
      byte[] current = current(hash, key);
      boolean matched = Arrays.equals(current, expected);
      if (!matched || (value == null && current == null)) {
        return new Exchange(NOTHING, matched);
      }
      if (value == null) {
        return new Exchange(appendDelete(writer, hash, key), true);
      }
      long sequence =
          appendPut(writer, hash, key, Encoding.BYTES, value, checksum, null, clock.millis());
      return new Exchange(sequence, true);
    } finally {
      unlock();
    }
  }

  /// The outcome of an increment.
  record Incremented(long sequence, long number) {}

  Incremented increment(byte[] key, long delta) {
    Arguments.checkKey(key);
    long hash = hasher.hash(key);
    RecordChecksum checksum = scratches.get().checksum;
    log.appendLock.lock();
    try {
      SegmentWriter writer = log.writerFor(bytesOf(key, new byte[Long.BYTES]), false);
      long number = Math.addExact(currentNumber(hash, key), delta);
      byte[] value = Value.of(number).toBytes();
      checksum.startBody(key, value);
      long sequence =
          appendPut(writer, hash, key, Encoding.INT64, value, checksum, null, clock.millis());
      return new Incremented(sequence, number);
    } finally {
      unlock();
    }
  }

  /// The integer that a key holds now; 0 if the key is absent.
  private long currentNumber(long hash, byte[] key) {
    while (lookup.findOrThrow(hash, key)) {
      byte[] value = lookup.copyValue();
      Encoding encoding = lookup.encoding();
      if (value == null || encoding == null) {
        continue;
      }
      if (encoding == Encoding.INT64
          && Value.decode(encoding, value) instanceof Value.Int64(long number)) {
        return number;
      }
      throw new StoreEncodingException(
          "only a value of type INT64 can be incremented, this one is of type " + encoding);
    }
    return 0;
  }

  /// Makes all changes or none.
  long write(List<Mutation> mutations) {
    int count = mutations.size();
    byte[][] values = new byte[count][];
    long[] hashes = new long[count];
    long bytes = 0;
    boolean frees = true;
    for (int i = 0; i < count; i++) {
      Mutation mutation = mutations.get(i);
      Arguments.checkKey(mutation.key());
      hashes[i] = hasher.hash(mutation.key());
      switch (mutation) {
        case Mutation.Put(byte[] key, Value value) -> {
          values[i] = value.toBytes();
          Arguments.checkValue(values[i]);
          frees = false;
        }
        case Mutation.Delete(byte[] key) -> values[i] = EMPTY;
      }
      bytes += bytesOf(mutation.key(), values[i]);
    }
    if (bytes > KvStore.BATCH_BYTES_MAX) {
      throw new StoreTooLargeException("a batch", bytes, KvStore.BATCH_BYTES_MAX);
    }
    log.appendLock.lock();
    try {
      if (count == 0) {
        log.throwIfNotWritable();
        return log.lastSequence();
      }
      return appendBatch(log.writerFor(bytes, frees), mutations, values, hashes);
    } finally {
      unlock();
    }
  }

  /// Ends a write; if it has made garbage, the listener is told, which may wait.
  private void unlock() {
    long garbage = garbageBytes.getPlain() + displaced.garbageBytes();
    boolean grew = garbage != garbageTold;
    garbageTold = garbage;
    log.appendLock.unlock();
    if (grew) {
      garbageListener.accept(garbage);
    }
    settlement.lookIfDue();
  }

  // ---- Under the append lock

  private byte @Nullable [] current(long hash, byte[] key) {
    while (lookup.findOrThrow(hash, key)) {
      byte[] value = lookup.copyValue();
      if (value != null) {
        return value;
      }
    }
    return null;
  }

  /// Notes what is durable. Undone alone if that fails, as the write behind it is.
  private void markDurable(SegmentWriter writer, long now) {
    long end = writer.segment().end();
    try {
      log.markDurable(writer, now);
    } catch (Throwable e) {
      undo(writer, end, e);
      throw failure(writer, e);
    }
  }

  private long appendPut(
      SegmentWriter writer,
      long hash,
      byte[] key,
      Encoding encoding,
      byte[] value,
      RecordChecksum checksum,
      @Nullable KeyLookup seen,
      long now) {
    markDurable(writer, now);
    long sequence = log.lastSequence() + 1;
    long end = writer.segment().end();
    try {
      long at = writer.append(RecordFormat.PUT, encoding, key, value, 0, sequence, now, checksum);
      publishPut(writer.segment(), at, bytesOf(key, value), hash, key, seen);
    } catch (Throwable e) {
      undo(writer, end, e);
      throw failure(writer, e);
    }
    log.publish(sequence);
    return sequence;
  }

  private long appendDelete(SegmentWriter writer, long hash, byte[] key) {
    displaced.settle(hash); // may fail, and so comes before anything is written
    long now = clock.millis();
    markDurable(writer, now);
    long sequence = log.lastSequence() + 1;
    long end = writer.segment().end();
    try {
      RecordChecksum checksum = scratches.get().checksum;
      checksum.startBody(key, EMPTY);
      writer.append(RecordFormat.DELETE, Encoding.BYTES, key, EMPTY, 0, sequence, now, checksum);
      publishDelete(bytesOf(key, EMPTY), hash, key);
    } catch (Throwable e) {
      undo(writer, end, e);
      throw failure(writer, e);
    }
    log.publish(sequence);
    return sequence;
  }

  private long appendBatch(
      SegmentWriter writer, List<Mutation> mutations, byte[][] values, long[] hashes) {
    int count = mutations.size();
    for (int i = 0; i < count; i++) {
      if (mutations.get(i) instanceof Mutation.Delete) {
        displaced.settle(hashes[i]); // as in appendDelete
      }
    }
    long now = clock.millis();
    markDurable(writer, now);
    RecordChecksum checksum = scratches.get().checksum;
    long first = log.lastSequence() + 1;
    long end = writer.segment().end();
    long[] offsets = new long[count];
    int published = 0;
    try {
      for (int i = 0; i < count; i++) {
        byte[] key = mutations.get(i).key();
        checksum.startBody(key, values[i]);
        offsets[i] =
            switch (mutations.get(i)) {
              case Mutation.Put(byte[] putKey, Value value) ->
                  writer.append(
                      RecordFormat.PUT,
                      value.encoding(),
                      key,
                      values[i],
                      count - 1 - i,
                      first + i,
                      now,
                      checksum);
              case Mutation.Delete(byte[] deletedKey) ->
                  writer.append(
                      RecordFormat.DELETE,
                      Encoding.BYTES,
                      key,
                      EMPTY,
                      count - 1 - i,
                      first + i,
                      now,
                      checksum);
            };
      }
      for (; published < count; published++) {
        if (published % LoadAhead.KEYS_MAX == 0) {
          ahead.load(hashes, published, Math.min(count, published + LoadAhead.KEYS_MAX));
        }
        byte[] key = mutations.get(published).key();
        long bytes = bytesOf(key, values[published]);
        if (mutations.get(published) instanceof Mutation.Put) {
          publishPut(writer.segment(), offsets[published], bytes, hashes[published], key, null);
        } else {
          publishDelete(bytes, hashes[published], key);
        }
      }
    } catch (Throwable e) {
      if (published > 0) {
        // Half of it shows in the index, and all of it is in the log: the next open decides.
        commit.fail(e);
      } else {
        undo(writer, end, e);
      }
      throw failure(writer, e);
    }
    log.publish(first + count - 1);
    return first + count - 1;
  }

  /// @param seen what [#findOld] gave a moment ago; null if it gave nothing, or nobody has looked
  private void publishPut(
      Segment segment, long at, long bytes, long hash, byte[] key, @Nullable KeyLookup seen) {
    long address = segment.addressOf(at);
    if (seen == null && index.insertIfVacant(hash, address)) {
      grow(size, 1);
    } else {
      KeyLookup old = seen != null ? seen : findOld(lookup, hash, key);
      while (old != null && !tookPlace(old, hash, address)) {
        old = lookup.find(hash, key) ? lookup : null;
      }
      if (old == null) {
        index.insert(hash, address);
        grow(size, 1);
      }
    }
    segment.addAppendedLiveBytes(bytes);
    grow(puts, 1);
  }

  /// The record of a key, or one that may be it and is not in memory; null if there is neither.
  private static @Nullable KeyLookup findOld(KeyLookup with, long hash, byte[] key) {
    return with.findOrLeave(hash, key) || with.left() != HashIndex.NONE ? with : null;
  }

  /// Puts the new record in the place of the old one. False if another writer or compaction has done
  /// so since it was found, or if it has to be looked at first.
  private boolean tookPlace(KeyLookup old, long hash, long address) {
    if (!old.isFound()) {
      return displaced.displace(hash, old.left(), address);
    }
    Segment oldSegment = old.segment();
    long oldBytes = old.recordBytes();
    if (!index.replace(hash, old.address(), address)) {
      return false;
    }
    oldSegment.addLiveBytes(-oldBytes);
    grow(garbageBytes, oldBytes);
    return true;
  }

  private void publishDelete(long bytes, long hash, byte[] key) {
    long garbage = bytes;
    displaced.settle(hash); // a write before it in the same batch may have displaced something
    while (lookup.find(hash, key)) {
      Segment oldSegment = lookup.segment();
      long oldBytes = lookup.recordBytes();
      if (index.remove(hash, lookup.address())) {
        grow(size, -1);
        oldSegment.addLiveBytes(-oldBytes);
        garbage += oldBytes;
        grow(deletes, 1);
        break;
      }
    }
    grow(garbageBytes, garbage);
  }

  /// Adds without the price of an atomic addition: the append lock keeps others out.
  private static void grow(AtomicLong counter, long by) {
    counter.setRelease(counter.getPlain() + by);
  }

  /// Makes the log as it was before a write that failed.
  private void undo(SegmentWriter writer, long end, Throwable cause) {
    boolean perhapsOfIndex = index.isMapped() && cause.getCause() instanceof InternalError;
    if (cause instanceof InternalError || perhapsOfIndex) {
      // A file was cut under its mapping; if it was not one that was only read, nothing is certain.
      commit.fail(failure(writer, cause));
      return;
    }
    try {
      writer.undo(end);
    } catch (Throwable e) {
      cause.addSuppressed(e);
      commit.fail(new StoreFailedException("a failed append could not be taken back", cause));
    }
  }

  private RuntimeException failure(SegmentWriter writer, Throwable e) {
    return switch (e) {
      case InternalError lost -> writer.segment().lost(lost);
      case Error error -> throw error;
      case RuntimeException unchecked -> unchecked;
      default -> new IllegalStateException(e);
    };
  }

  private static long bytesOf(byte[] key, byte[] value) {
    return RecordFormat.recordBytes(key.length, value.length);
  }

  // ---- Counts

  /// Keys in the store; as many more as were displaced and turn out to be others'.
  long size() {
    return size.get() + displaced.restored();
  }

  long puts() {
    return puts.get();
  }

  long deletes() {
    return deletes.get();
  }
}

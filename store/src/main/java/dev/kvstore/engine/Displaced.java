package dev.kvstore.engine;

import dev.kvstore.index.EntrySink;
import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// Records whose entry in the index was given away unseen, because to see them would have been a random
/// read of the disk for each write.
///
/// The index knows 34 bits of a key's hash; whether an entry is of the key that is written, only its
/// record tells. If that is not in memory, the writer takes the entry as if the keys were equal, which
/// they nearly always are, and the address that stood there is *displaced*: it is kept here until it is
/// *settled*. Either the record's key has a newer record; then it is garbage. Or its key is another one;
/// then it is *restored*, with an entry of its own. [Settlement] does that for many at a time in the order of
/// the log, which the disk does a hundred times as fast. A blind write of a log-structured merge tree meets
/// what it replaces in a merge, in the same way; here only addresses wait.
///
/// What holds for each 34 bits of hash, whenever the append lock is free:
///
/// - At most one record is displaced. It lies in a sealed segment that is not being compacted, and the
///   index has a younger entry of the same 34 bits. So a lookup that has met no entry of another key
///   need not ask here.
/// - Its key has an entry in the index, of a newer record, or none at all and is the live one. So whoever adds
///   an entry for a key that seems absent, or removes one, settles these 34 bits first.
/// - It is here before its entry is given away, and has an entry again before it is not here any more.
///   So whoever looks into the index, then here, and finds [#restored] as it was before, has missed
///   nothing.
///
/// - Threads: any. What gives an entry away or back has the append lock, so a lookup that finds something
///   hidden takes it; compaction may redirect an entry without. That a record is replaced stays true whatever
///   comes, so whoever finds out settles it without the lock.
/// - Memory: 14 bytes for each displaced record, off the heap. There are at most a sixteenth as many as
///   keys, but 4096 in any store with enough log, and a million at most.
/// - Durability: none is needed. Both records are in the log, and recovery compares sequences.
final class Displaced implements AutoCloseable {
  /// Records with longer keys are looked at: many of them are not settled as quickly.
  static final int KEY_BYTES_MOST = SortedRecords.HEAD_BYTES - RecordFormat.HEADER_BYTES;

  /// In a store with a smaller log, writers look at what they replace, in memory or not: the least that an
  /// index takes would be much for each of its keys.
  static final long FROM_LOG_BYTES = 256L << 20;

  private static final int KEYS_PER_DISPLACED = 16;
  private static final int LIMIT_LEAST = 4096;
  private static final int LIMIT_MOST = 1 << 20;
  private static final int QUESTIONS_PER_LIMIT = 4096; // a power of two

  private final HashIndex index;
  private final SegmentTable segments;
  private final KeyHasher hasher;
  private final AppendLock appendLock;
  private final long fromLogBytes;
  private final HashIndex places = new HashIndex();

  private final AtomicInteger count = new AtomicInteger();
  private final AtomicLong restored = new AtomicLong();
  private final AtomicLong garbageBytes = new AtomicLong();
  // Written under the append lock; read by any.
  private volatile Set<Segment> excluded = Set.of();
  private final AtomicInteger suspensions = new AtomicInteger();
  private volatile boolean used;

  private final AtomicInteger questions = new AtomicInteger();
  private volatile int limit;

  // Guarded by the append lock.
  private final KeyLookup lookup;
  private final AnyEntry any = new AnyEntry();

  Displaced(
      HashIndex index,
      SegmentTable segments,
      Residency residency,
      KeyHasher hasher,
      AppendLock appendLock,
      long fromLogBytes) {
    this.index = index;
    this.segments = segments;
    this.hasher = hasher;
    this.appendLock = appendLock;
    this.fromLogBytes = fromLogBytes;
    this.lookup = new KeyLookup(index, segments, residency, true);
  }

  // ---- Displacing

  /// Gives the entry that points to `old`, which nobody has looked at, to a new record. Under the append
  /// lock.
  ///
  /// @return false if nothing was done: the entry has changed, or the old record has to be looked at
  boolean displace(long hash, long old, long address) {
    // Others may have been added since it was left; one may be of the key that is written.
    if (!admits(hash, old, any) || any.in(index, hash, old) != HashIndex.NONE) {
      return false;
    }
    used = true;
    places.insert(hash, old);
    count.incrementAndGet();
    if (!index.replace(hash, old, address)) {
      forget(hash, old);
      return false;
    }
    return true;
  }

  /// Whether this record could be displaced now; looks now and then how many may be. For any thread; the
  /// answer is for the moment, unless it has the append lock.
  boolean admits(long hash, long old, AnyEntry finder) {
    if ((questions.getAndIncrement() & (QUESTIONS_PER_LIMIT - 1)) == 0) {
      limit = newLimit();
    }
    Segment segment = segments.at(old);
    return count.get() < limit
        && suspensions.get() == 0
        && segment != null
        && segment.sealed() != null
        && !excluded.contains(segment)
        && finder.in(places, hash) == HashIndex.NONE;
  }

  private int newLimit() {
    long logBytes = 0;
    for (Segment segment : segments.all()) {
      logBytes += segment.end();
    }
    return logBytes < fromLogBytes
        ? 0
        : Math.clamp(index.size() / KEYS_PER_DISPLACED, LIMIT_LEAST, LIMIT_MOST);
  }

  private boolean forget(long hash, long address) {
    if (!places.remove(hash, address)) {
      return false;
    }
    count.decrementAndGet();
    return true;
  }

  /// Displaces nothing of these segments from now on; of none if there are none.
  void exclude(Collection<Segment> some) {
    appendLock.lock();
    try {
      excluded = Set.copyOf(some);
    } finally {
      appendLock.unlock();
    }
  }

  /// Displaces nothing from now on, until [#resume]: for who needs it all settled at one moment.
  void suspend() {
    suspendMore(1);
  }

  /// As often as [#suspend] was called.
  void resume() {
    suspendMore(-1);
  }

  private void suspendMore(int by) {
    appendLock.lock();
    try {
      suspensions.addAndGet(by);
    } finally {
      appendLock.unlock();
    }
  }

  // ---- Looking up

  /// Whether anything has ever been displaced.
  boolean isUsed() {
    return used;
  }

  /// How many records have been restored: so many keys there are more than writers have counted, who had
  /// taken them for replaced.
  long restored() {
    return restored.get();
  }

  /// Bytes of records that turned out to be replaced.
  long garbageBytes() {
    return garbageBytes.get();
  }

  boolean isEmpty() {
    return count.get() == 0;
  }

  /// Whether it is time to settle. Late, since all of the log is read for however many; but there must be
  /// room for those that come until the first are settled.
  boolean isDue() {
    return count.get() > limit - limit / 4;
  }

  long bytes() {
    return places.bytes();
  }

  /// Hands over what is displaced in one shard of hashes. For any thread.
  void forEach(int shard, EntrySink sink) {
    places.forEach(shard, sink);
  }

  // ---- Settling

  /// Settles what may be hidden from a lookup that has met entries of other keys only.
  ///
  /// @param restoredBefore [#restored], asked before the look into the index
  /// @return whether there was something, or has been meanwhile: then it has to look again
  /// @throws dev.kvstore.StoreIoException as [#settle]
  boolean settleIfHidden(long hash, long restoredBefore, AnyEntry finder) {
    if (!isEmpty() && finder.in(places, hash) != HashIndex.NONE) {
      settle(hash);
      return true;
    }
    return restored.get() != restoredBefore;
  }

  /// Settles what is displaced of these 34 bits of hash: looks at it where it is mapped.
  ///
  /// @throws dev.kvstore.StoreIoException if it or the record that has its entry cannot be read; it stays
  ///     displaced
  /// @throws dev.kvstore.StoreCorruptionException if the record that has its entry is damaged, so that it may
  ///     be of the same key; it stays displaced
  void settle(long hash) {
    if (isEmpty()) {
      return;
    }
    appendLock.lock();
    try {
      long address = any.in(places, hash);
      if (address == HashIndex.NONE) {
        return;
      }
      long bytes = bytesIfReplaced(hash, address);
      if (bytes > 0) {
        settleReplaced(hash, address, bytes);
        return;
      }
      index.insert(hash, address);
      restored.incrementAndGet();
      forget(hash, address);
    } finally {
      appendLock.unlock();
    }
  }

  /// The bytes of a displaced record if the index has a newer one of its key; 0 if not, and if the record
  /// is so damaged that nobody knows.
  private long bytesIfReplaced(long hash, long address) {
    Segment segment = segments.at(address);
    if (segment == null) {
      throw new IllegalStateException("no segment at " + address);
    }
    MemorySegment log = segment.memory();
    long at = segment.offsetOf(address);
    try {
      if (RecordFormat.problem(log, at, segment.end()) != null) {
        return 0;
      }
      byte[] key =
          log.asSlice(at + RecordFormat.HEADER_BYTES, RecordFormat.keySize(log, at))
              .toArray(ValueLayout.JAVA_BYTE);
      long keyHash = hasher.hash(key);
      return HashIndex.positionOf(keyHash) == HashIndex.positionOf(hash)
              && lookup.findOrThrow(keyHash, key)
          ? RecordFormat.recordBytes(log, at)
          : 0;
    } catch (InternalError e) {
      throw segment.lost(e);
    }
  }

  /// Settles a record whose key has a newer one, if it is still displaced. For any thread: without the
  /// append lock, which a writer of batches hardly ever leaves to others.
  void settleReplaced(long hash, long address, long bytes) {
    Segment segment = segments.at(address);
    if (segment != null && forget(hash, address)) {
      segment.addLiveBytes(-bytes);
      garbageBytes.addAndGet(bytes);
    }
  }

  /// Settles what is displaced between two positions of [HashIndex#collect] that lie in one shard.
  void settleBetween(long from, long to) {
    if (isEmpty()) {
      return;
    }
    forEach(
        HashIndex.shardAt(from),
        (hash, address) -> {
          long position = HashIndex.positionOf(hash);
          if (position >= from && (position < to || to == HashIndex.END)) {
            settle(hash);
          }
        });
  }

  @Override
  public void close() {
    places.close();
  }
}

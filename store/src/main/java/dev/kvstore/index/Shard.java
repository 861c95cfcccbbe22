package dev.kvstore.index;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// One of the independent parts of the index: a table, its lock, and the decision when to resize.
///
/// - Threads: readers take no lock. What they find is right, because the matcher, or equality of
///   the whole word, confirms it. What they miss is believed only if nothing changed meanwhile.
/// - Writers hold a spin lock, not reentrant, for a probe or for one sweep. Entries move, change or
///   go only while `state` says so. Adding writes one word and a sweep fills a table that nobody
///   sees, so neither makes a reader try again.
/// - Lifecycle: owns its table's pages and returns them to the [PageSlab]; [#close] before the
///   slab's.
final class Shard {
  // state: bit 0, a writer holds the lock; bit 1, entries are changing; above, the version, one
  // more each time that entries have changed. Bit 1 is set only by the holder of the lock.
  private static final long HELD = 1;
  private static final long CHANGING = 2;
  private static final int SPINS_BEFORE_YIELD = 64;

  private static final VarHandle STATE;
  private static final VarHandle TABLE;
  private static final VarHandle COUNT;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      STATE = lookup.findVarHandle(Shard.class, "state", long.class);
      TABLE = lookup.findVarHandle(Shard.class, "table", Table.class);
      COUNT = lookup.findVarHandle(Shard.class, "count", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final int number;
  private final PageSlab slab;

  // Read by anybody through the handles; table and count are written by the holder of the lock.
  @SuppressWarnings("unused")
  private long state;

  private Table table = Table.EMPTY;
  private int count;

  Shard(int number, PageSlab slab) {
    this.number = number;
    this.slab = slab;
  }

  long find(long window, KeyMatcher matcher) {
    for (int tries = 0; ; tries++) {
      long before = (long) STATE.getAcquire(this);
      try {
        long address = published().find(window, matcher);
        if (address != HashIndex.NONE || unchanged(before)) return address;
      } catch (IllegalStateException e) {
        matcher.collided();
        rethrowUnlessLate(before, e);
      }
      pause(tries);
    }
  }

  boolean contains(long word) {
    boolean interrupted = Thread.currentThread().isInterrupted();
    for (int tries = 0; ; tries++) {
      long before = (long) STATE.getAcquire(this);
      try {
        boolean found = published().locate(word) >= 0;
        if (found || unchanged(before)) return found;
      } catch (IllegalStateException e) {
        Interruption.collided(interrupted);
        rethrowUnlessLate(before, e);
      }
      pause(tries);
    }
  }

  /// As [HashIndex#containsAll], for entries of this shard.
  void containsAll(long[] hashes, long[] addresses, int from, int to, boolean[] found) {
    boolean interrupted = Thread.currentThread().isInterrupted();
    long before = (long) STATE.getAcquire(this);
    Table seen = published();
    try {
      for (int i = from; i < to; i++) {
        found[i] = seen.locate(HashIndex.wordOf(hashes[i], addresses[i])) >= 0;
      }
      VarHandle.acquireFence(); // the version is not read before the words
      if (unchanged(before)) return;
    } catch (IllegalStateException e) {
      Interruption.collided(interrupted);
      rethrowUnlessLate(before, e);
    }
    for (int i = from; i < to; i++) {
      found[i] = contains(HashIndex.wordOf(hashes[i], addresses[i]));
    }
  }

  long touch(long window) {
    boolean interrupted = Thread.currentThread().isInterrupted();
    try {
      return published().touch(window);
    } catch (IllegalStateException late) {
      Interruption.collided(interrupted);
      return 0; // nothing to load; find will look again, and tell if the index is closed
    }
  }

  long guess(long window) {
    boolean interrupted = Thread.currentThread().isInterrupted();
    try {
      return published().guess(window);
    } catch (IllegalStateException late) {
      Interruption.collided(interrupted);
      return HashIndex.NONE; // as in touch
    }
  }

  void insert(long word) {
    lock();
    try {
      insertLocked(word);
    } finally {
      unlock();
    }
  }

  boolean insertIfVacant(long word) {
    lock();
    try {
      if (count >= table.entriesMax()) grow();
      if (!table.addIfVacant(word)) return false;
      COUNT.setOpaque(this, count + 1);
      return true;
    } finally {
      unlock();
    }
  }

  // A table without any free slot comes only of an image that lied about its entries.
  private void insertLocked(long word) {
    if (count >= table.entriesMax() || !table.add(word)) {
      grow();
      table.add(word);
    }
    COUNT.setOpaque(this, count + 1);
  }

  boolean replace(long expected, long word) {
    lock();
    try {
      int slot = table.locate(expected);
      if (slot < 0) return false;
      beginChange(); // or a reader whose matcher finds the old record gone would believe the miss
      try {
        table.put(slot, word);
      } finally {
        endChange();
      }
      return true;
    } finally {
      unlock();
    }
  }

  /// As [HashIndex#replaceAll], for entries of this shard.
  void replaceAll(
      long[] hashes, long[] expected, long[] addresses, int from, int to, boolean[] replaced) {
    lock();
    try {
      beginChange(); // as in replace
      try {
        for (int i = from; i < to; i++) {
          int slot = table.locate(HashIndex.wordOf(hashes[i], expected[i]));
          replaced[i] = slot >= 0;
          if (slot >= 0) table.put(slot, HashIndex.wordOf(hashes[i], addresses[i]));
        }
      } finally {
        endChange();
      }
    } finally {
      unlock();
    }
  }

  boolean remove(long word) {
    lock();
    try {
      int slot = table.locate(word);
      if (slot < 0) return false;
      beginChange();
      try {
        table.erase(slot);
      } finally {
        endChange(); // also if memory was lost: nobody shall wait for ever
      }
      COUNT.setOpaque(this, count - 1);
      if (count < table.entriesMin()) shrinkIfThereIsMemory();
      return true;
    } finally {
      unlock();
    }
  }

  int size() {
    return (int) COUNT.getOpaque(this);
  }

  long tableBytes() {
    return published().bytes();
  }

  /// As [HashIndex#collect], for windows from `from` on; returns the window where the next step
  /// begins.
  long collect(long from, AddressSink sink) {
    lock();
    try {
      return table.collect(from, sink);
    } finally {
      unlock();
    }
  }

  void reserve(int entries) {
    lock();
    try {
      reserveLocked(entries);
    } finally {
      unlock();
    }
  }

  /// Copies all words of the table, empty ones among them, to an array; false if that has no room for
  /// them.
  boolean copyWords(long[] target) {
    lock();
    try {
      requireOpen();
      if (pages() * Table.SLOTS_PER_PAGE > target.length) {
        return false;
      }
      table.copyWords(target);
      return true;
    } finally {
      unlock();
    }
  }

  /// Replaces the table by one of these words, which stand as they would in a table of so many pages.
  void install(long[] words, int pages, int entries) {
    lock();
    try {
      requireOpen();
      Table old = table;
      if (old.ownsPages() && old.pages().length == pages) {
        beginChange();
        old.fill(words);
        endChange();
      } else {
        Table next = pages == 0 ? Table.EMPTY : slab.takeUnfilled(pages, number);
        next.fill(words);
        publish(next);
        if (old.ownsPages()) slab.release(old.pages());
      }
      COUNT.setOpaque(this, entries);
    } finally {
      unlock();
    }
  }

  int pages() {
    Table now = published();
    return now.ownsPages() ? now.pages().length : 0;
  }

  /// Copies pages of the table, in its order, from one to before another.
  void copyPages(int from, int to, MemorySegment target, long offset) {
    lock();
    try {
      for (int place = from; place < to; place++) {
        table.copyPage(place, target, offset + (long) (place - from) * PageSlab.PAGE_BYTES);
      }
    } finally {
      unlock();
    }
  }

  /// Takes over a table that came with an image, and its word for how many entries that has; see
  /// [#grow] and [#shrink].
  void adopt(Table imported, int entries) {
    lock();
    try {
      requireOpen();
      if (count > 0 || table.ownsPages())
        throw new IllegalArgumentException("shard " + number + " has entries: " + count);
      publish(imported);
      COUNT.setOpaque(this, entries);
    } finally {
      unlock();
    }
  }

  /// Moves the content of a page into a lower one, if the page is ours and a lower one is free.
  void vacate(int page) {
    lock();
    try {
      synchronized (slab) {
        if (slab.owner(page) != number) return; // it was resized meanwhile
        Table lowered = slab.lowered(table, page, number);
        if (lowered == table) return;
        publish(lowered);
        slab.release(page);
      }
    } finally {
      unlock();
    }
  }

  /// Moves the content of a page into another chunk, if the page is ours.
  void evacuate(int page) {
    lock();
    try {
      synchronized (slab) {
        if (slab.owner(page) == number) publish(slab.evacuated(table, page, number));
      }
    } finally {
      unlock();
    }
  }

  void close() {
    lock();
    try {
      publish(Table.closed());
      COUNT.setOpaque(this, 0);
    } finally {
      unlock();
    }
  }

  private void grow() {
    int pages = table.ownsPages() ? table.pages().length : 0;
    rebuild(pages + Math.max(1, pages / 4));
  }

  // A smaller table is built beside the larger one, which is as right: the next removal tries
  // again.
  private void shrinkIfThereIsMemory() {
    try {
      shrink();
    } catch (OutOfMemoryError refused) {
      // The entry is gone all the same, and who removed it must not hear that nothing was done.
    }
  }

  // Counted, because a smaller table must have room for what is really there: the number may come
  // from an image. A larger table has room for any.
  private void shrink() {
    COUNT.setOpaque(this, table.count());
    int pages = Table.pagesFor(count);
    if (pages < table.pages().length) rebuild(pages);
  }

  private void reserveLocked(int entries) {
    requireOpen();
    int pages = Table.pagesFor(entries);
    if (!table.ownsPages() ? pages > 0 : pages > table.pages().length) rebuild(pages);
  }

  private void rebuild(int pages) {
    requireOpen();
    synchronized (slab) { // all the while: one table at a time exists twice
      Table old = table;
      Table next = pages == 0 ? Table.EMPTY : slab.take(pages, number);
      try {
        COUNT.setOpaque(this, old.copyTo(next));
      } catch (Throwable e) {
        if (next.ownsPages()) slab.release(next.pages());
        throw e;
      }
      publish(next);
      if (old.ownsPages()) slab.release(old.pages());
    }
  }

  // A reader that sees the new table sees CHANGING as well, and one that still probes the old one
  // sees the changed version before its pages can become anything else, see PageSlab.beforeReuse.
  private void publish(Table next) {
    beginChange();
    TABLE.setRelease(this, next); // pairs with getAcquire in published: next's words are seen
    endChange();
  }

  private Table published() {
    return (Table) TABLE.getAcquire(this);
  }

  private void requireOpen() {
    table.touch(0); // reading a closed table throws
  }

  private void lock() {
    for (int tries = 0; ; tries++) {
      long now = (long) STATE.getOpaque(this);
      // Acquire pairs with setRelease in unlock: the last holder's table, count and words are seen.
      if ((now & HELD) == 0 && STATE.weakCompareAndSetAcquire(this, now, now | HELD)) return;
      pause(tries);
    }
  }

  private void unlock() {
    STATE.setRelease(this, state & ~HELD);
  }

  // The words that change are written with release, after this. Pairs with unchanged: a reader that
  // saw one of them sees CHANGING, or the next version.
  private void beginChange() {
    STATE.setRelease(this, state | CHANGING);
  }

  // Release pairs with getAcquire where a reader begins: it sees every word as it is now.
  private void endChange() {
    STATE.setRelease(this, (state | CHANGING) + CHANGING);
  }

  /// Whether nothing changed since `before`, so that a miss is one. The words were read with
  /// acquire, so that this read of the version is not done before them.
  private boolean unchanged(long before) {
    long now = (long) STATE.getAcquire(this);
    return (before & CHANGING) == 0 && ((now ^ before) & ~HELD) == 0;
  }

  /// A late reader meets a chunk that has gone. If nothing changed, the index is closed, or it is
  /// the matcher that failed.
  private void rethrowUnlessLate(long before, IllegalStateException e) {
    VarHandle.acquireFence(); // the liveness of memory was read without acquire
    if (unchanged(before)) throw e;
  }

  @SuppressWarnings("ThreadPriorityCheck") // the holder of the lock may have lost its processor
  private static void pause(int tries) {
    if (tries < SPINS_BEFORE_YIELD) Thread.onSpinWait();
    else Thread.yield();
  }
}

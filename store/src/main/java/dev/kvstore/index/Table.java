package dev.kvstore.index;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/// The hash table of one shard at one size: buckets of eight slots, in pages of the slab.
///
/// - Threads: any number of readers; one writer, which holds the shard's lock. Readers need the
///   shard's version to believe a miss, see [Shard].
/// - Lifecycle: filled by one sweep over its predecessor, then published; the owner of its pages is
///   [Shard], which returns them to [PageSlab] once the successor is published.
/// - Failure: a reader that is late reads what the pages have become, or, if their chunk has gone,
///   gets an [IllegalStateException].
///
/// An entry's home is bucket `(window * buckets) >>> 24`: any number of buckets will do, and the
/// order of windows is kept, so a sweep reads and writes memory in order. An entry that finds its
/// home full goes to the next bucket with room, and the last bucket is followed by the first.
///
/// Invariants, for every writer to keep:
/// - a bucket is filled from its slot 0 on: its first zero ends it;
/// - all buckets from an entry's home to the one before its place are full: a zero ends a probe;
/// - at least one bucket is not full.
final class Table {
  static final int SLOTS_PER_BUCKET = 8;
  static final int SLOTS_PER_PAGE = PageSlab.PAGE_BYTES / Long.BYTES;

  /// No entries and no pages: a bucket that stays empty, shared by all shards that are.
  static final Table EMPTY = new Table(Arena.global().allocate(64, 64));

  // Buckets read by a hit and by a miss, random windows, of a table at that load: 0.64 1.04 1.3;
  // 0.74 1.09 1.7; 0.80 1.15 2.3; 0.85 1.25 3.5; 0.88 1.35 5.1. Tables wander between 0.64 and
  // LOAD_MAX. The distance of the other loads keeps a shard from growing and shrinking in turns. At
  // LOAD_SHRINK an entry costs 13.8 bytes, which leaves 2.2 for what the slab may keep free.
  private static final double LOAD_MAX = 0.80;
  private static final double LOAD_REBUILT = 0.74;
  private static final double LOAD_SHRINK = 0.58;

  private static final int SLOT_BITS = 3;
  private static final int LAST_SLOT = SLOTS_PER_BUCKET - 1;
  private static final int PAGE_SLOT_BITS = Integer.numberOfTrailingZeros(SLOTS_PER_PAGE);
  private static final int PAGE_BUCKET_BITS = PAGE_SLOT_BITS - SLOT_BITS;

  /// Buckets that one step of an iteration covers.
  private static final int STEP_BUCKETS = 16;

  // Every slot is read with acquire and written with release, which gives two edges. Release in put
  // pairs with getAcquire in find: who sees an address also sees the record, written before it was
  // handed to the index. And who sees a word that a removal moved also sees, reading it afterwards,
  // the state that the removal had set before (Shard.beginChange pairs with Shard.unchanged).
  private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

  // The slab's chunks as of this table's making, and the pages, by number, that are the table's.
  private final MemorySegment[] chunks;
  private final int[] pages;
  private final int buckets;

  // More entries than entriesMax: grow first. Fewer than entriesMin: shrink.
  private final int entriesMax;
  private final int entriesMin;

  /// A table of empty pages.
  Table(MemorySegment[] chunks, int[] pages) {
    this.chunks = chunks;
    this.pages = pages;
    this.buckets = Math.multiplyExact(pages.length, 1 << PAGE_BUCKET_BITS);
    this.entriesMax = (int) (LOAD_MAX * SLOTS_PER_PAGE * pages.length);
    this.entriesMin =
        (int)
            Math.max(
                1,
                Math.min(
                    LOAD_SHRINK * SLOTS_PER_PAGE * pages.length,
                    LOAD_REBUILT * SLOTS_PER_PAGE * (pages.length - 1)));
  }

  private Table(MemorySegment bucket) {
    this.chunks = new MemorySegment[] {bucket};
    this.pages = new int[] {0};
    this.buckets = 1;
    this.entriesMax = 0;
    this.entriesMin = 0;
  }

  /// What a closed index answers with: reading it throws [IllegalStateException].
  static Table closed() {
    return Closed.TABLE;
  }

  /// Pages of a table made for this many entries, with room to grow into; 0 for none.
  static int pagesFor(int entries) {
    return (int) Math.ceil(entries / (LOAD_REBUILT * SLOTS_PER_PAGE));
  }

  int entriesMax() {
    return entriesMax;
  }

  int entriesMin() {
    return entriesMin;
  }

  /// Page numbers; the caller does not change them.
  int[] pages() {
    return pages;
  }

  boolean ownsPages() {
    return entriesMax > 0;
  }

  /// Bytes on the heap.
  long bytes() {
    return ownsPages() ? 48 + (long) pages.length * Integer.BYTES : 0;
  }

  long find(long window, KeyMatcher matcher) {
    int bucket = home(window);
    for (int left = buckets; left > 0; left--) {
      int page = pages[bucket >>> PAGE_BUCKET_BITS];
      MemorySegment chunk = chunks[page >>> PageSlab.CHUNK_PAGE_BITS];
      long offset = offset(page, bucket << SLOT_BITS);
      for (int slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
        long word = (long) WORD.getAcquire(chunk, offset + (long) slot * Long.BYTES);
        if (word == Slot.EMPTY) return HashIndex.NONE;
        if (Slot.window(word) == window && matcher.matches(Slot.address(word))) {
          return Slot.address(word);
        }
      }
      bucket = after(bucket);
    }
    return HashIndex.NONE; // only a late reader comes here, and it will not be believed
  }

  /// The slot that holds exactly this word, or -1.
  int locate(long wanted) {
    int bucket = home(Slot.window(wanted));
    for (int left = buckets; left > 0; left--) {
      int page = pages[bucket >>> PAGE_BUCKET_BITS];
      MemorySegment chunk = chunks[page >>> PageSlab.CHUNK_PAGE_BITS];
      long offset = offset(page, bucket << SLOT_BITS);
      for (int slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
        long word = (long) WORD.getAcquire(chunk, offset + (long) slot * Long.BYTES);
        if (word == wanted) return (bucket << SLOT_BITS) + slot;
        if (word == Slot.EMPTY) return -1;
      }
      bucket = after(bucket);
    }
    return -1;
  }

  /// As [#locate], without a branch on where in its bucket the entry is: for entries that follow each
  /// other in the order of windows, whose memory is there before it is asked for, the branches are
  /// what takes the time.
  ///
  /// Reads without acquire: for the writer, or for a reader who believes neither answer before it has
  /// passed an acquire fence and seen the shard's version unchanged.
  int locateInOrder(long wanted) {
    int bucket = home(Slot.window(wanted));
    for (int left = buckets; left > 0; left--) {
      int page = pages[bucket >>> PAGE_BUCKET_BITS];
      MemorySegment chunk = chunks[page >>> PageSlab.CHUNK_PAGE_BITS];
      long offset = offset(page, bucket << SLOT_BITS);
      int found = -1;
      for (int slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
        long word = chunk.get(ValueLayout.JAVA_LONG, offset + (long) slot * Long.BYTES);
        found = word == wanted ? slot : found;
      }
      if (found >= 0) return (bucket << SLOT_BITS) + found;
      if (chunk.get(ValueLayout.JAVA_LONG, offset + LAST_SLOT * Long.BYTES) == Slot.EMPTY)
        return -1;
      bucket = after(bucket);
    }
    return -1;
  }

  long touch(long window) {
    return get(home(window) << SLOT_BITS);
  }

  /// Adds an entry. One word is written, so a probe sees the table before it or after it.
  void add(long word) {
    int bucket = home(Slot.window(word));
    while (true) {
      int page = pages[bucket >>> PAGE_BUCKET_BITS];
      MemorySegment chunk = chunks[page >>> PageSlab.CHUNK_PAGE_BITS];
      long offset = offset(page, bucket << SLOT_BITS);
      if ((long) WORD.getAcquire(chunk, offset + LAST_SLOT * Long.BYTES) == Slot.EMPTY) {
        while ((long) WORD.getAcquire(chunk, offset) != Slot.EMPTY) offset += Long.BYTES;
        WORD.setRelease(chunk, offset, word);
        return;
      }
      bucket = after(bucket);
    }
  }

  /// Removes the entry of a slot and closes the gap: entries that the full bucket had sent further
  /// on come back, so that no mark stays behind. A probe meanwhile may miss an entry that moves.
  void erase(int slot) {
    int bucket = slot >>> SLOT_BITS;
    int used = used(bucket);
    int gap = (bucket << SLOT_BITS) + used - 1;
    put(slot, get(gap));
    if (used == SLOTS_PER_BUCKET) gap = pullBack(gap);
    put(gap, Slot.EMPTY);
  }

  /// Fills the last slot of a bucket that was full from the buckets behind it, then the slot that
  /// is free by that, and so on. Returns the slot that is free in the end.
  private int pullBack(int gap) {
    int start = gap >>> SLOT_BITS;
    for (int bucket = after(start); bucket != start; bucket = after(bucket)) {
      int used = used(bucket);
      int mover = displaced(bucket, used, distance(gap >>> SLOT_BITS, bucket));
      if (mover >= 0) {
        int last = (bucket << SLOT_BITS) + used - 1;
        put(gap, get(mover));
        put(mover, get(last));
        gap = last;
      }
      if (used < SLOTS_PER_BUCKET) break; // nobody was sent past a bucket with room
    }
    return gap;
  }

  /// A slot of the bucket whose entry is at least so many buckets away from home, or -1.
  private int displaced(int bucket, int used, int distance) {
    int first = bucket << SLOT_BITS;
    for (int slot = first; slot < first + used; slot++) {
      if (distance(home(Slot.window(get(slot))), bucket) >= distance) return slot;
    }
    return -1;
  }

  /// Adds all entries to another table, which has room for them.
  void copyTo(Table other) {
    for (int bucket = 0; bucket < buckets; bucket++) {
      int end = (bucket << SLOT_BITS) + used(bucket);
      for (int slot = bucket << SLOT_BITS; slot < end; slot++) other.add(get(slot));
    }
  }

  /// The same table with one page replaced by another that holds a copy of it.
  Table moved(int page, int target, MemorySegment[] chunksNow) {
    int[] moved = pages.clone();
    for (int i = 0; i < moved.length; i++) if (moved[i] == page) moved[i] = target;
    return new Table(chunksNow, moved);
  }

  /// Hands over the entries of a range of windows that begins with `from`; returns where it ends.
  long collect(long from, AddressSink sink) {
    int first = home(from);
    int count = Math.min(STEP_BUCKETS, buckets - first);
    long to = firstWindow(first + count);
    int bucket = first;
    for (int done = 1; done <= buckets; done++) {
      int used = used(bucket);
      for (int slot = bucket << SLOT_BITS, end = slot + used; slot < end; slot++) {
        long word = get(slot);
        long window = Slot.window(word);
        if (window >= from && window < to) sink.accept(Slot.address(word));
      }
      if (done >= count && used < SLOTS_PER_BUCKET) break; // nobody of ours was sent past this one
      bucket = after(bucket);
    }
    return to;
  }

  /// Writes all words, little-endian.
  void copyTo(MemorySegment target, long offset) {
    for (int bucket = 0; bucket < buckets; bucket++) {
      int end = (bucket << SLOT_BITS) + used(bucket);
      for (int slot = bucket << SLOT_BITS; slot < end; slot++) {
        target.set(Shard.IMAGE_WORD, offset, get(slot));
        offset += Long.BYTES;
      }
    }
  }

  private int home(long window) {
    return (int) ((window * buckets) >>> Slot.WINDOW_BITS);
  }

  /// The lowest window whose home is this bucket or a later one.
  private long firstWindow(int bucket) {
    return Math.ceilDiv((long) bucket << Slot.WINDOW_BITS, buckets);
  }

  private int after(int bucket) {
    return bucket + 1 == buckets ? 0 : bucket + 1;
  }

  private int distance(int from, int to) {
    return to >= from ? to - from : to - from + buckets;
  }

  private int used(int bucket) {
    int first = bucket << SLOT_BITS;
    int used = SLOTS_PER_BUCKET;
    while (used > 0 && get(first + used - 1) == Slot.EMPTY) used--;
    return used;
  }

  private long get(int slot) {
    int page = pages[slot >>> PAGE_SLOT_BITS];
    return (long) WORD.getAcquire(chunks[page >>> PageSlab.CHUNK_PAGE_BITS], offset(page, slot));
  }

  void put(int slot, long word) {
    int page = pages[slot >>> PAGE_SLOT_BITS];
    WORD.setRelease(chunks[page >>> PageSlab.CHUNK_PAGE_BITS], offset(page, slot), word);
  }

  /// Where a slot is in the chunk of its page.
  private static long offset(int page, int slot) {
    return PageSlab.offsetInChunk(page) + ((slot & (SLOTS_PER_PAGE - 1)) * (long) Long.BYTES);
  }

  private static final class Closed {
    static final Table TABLE = new Table(closedMemory());

    private static MemorySegment closedMemory() {
      try (Arena arena = Arena.ofShared()) {
        return arena.allocate(64, 64);
      }
    }
  }
}

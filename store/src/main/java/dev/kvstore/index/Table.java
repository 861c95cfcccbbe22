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

  /// So that slots are numbered by an int.
  static final int PAGES_MAX = Integer.MAX_VALUE / SLOTS_PER_PAGE;

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

  // An address is taken from a slot that was read with acquire and had been written with release,
  // which gives two edges. Release in put pairs with getAcquire in find: who sees an address also
  // sees the record, written before it was handed to the index. And who sees a word that a removal
  // moved also sees, reading it afterwards, the state that the removal had set before
  // (Shard.beginChange pairs with Shard.unchanged).
  private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

  // A first look at a bucket reads its words plainly: they are aligned, so none is torn, and what
  // it tells is only where to look with acquire. A miss that rests on it is fenced before the state
  // is read again. Plain and without alignment check, because the JIT then checks a bucket once.
  private static final ValueLayout.OfLong GLANCE = ValueLayout.JAVA_LONG_UNALIGNED;

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
    this.entriesMax = entriesMax(pages.length);
    this.entriesMin = entriesMin(pages.length);
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

  /// How many entries a table of so many pages may hold.
  static int entriesMax(int pages) {
    return (int) (LOAD_MAX * SLOTS_PER_PAGE * pages);
  }

  /// With how few entries a table of so many pages is made smaller.
  static int entriesMin(int pages) {
    return (int)
        Math.max(
            1,
            Math.min(
                LOAD_SHRINK * SLOTS_PER_PAGE * pages, LOAD_REBUILT * SLOTS_PER_PAGE * (pages - 1)));
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
      int candidates = ofWindow(chunk, offset, window);
      boolean full = isFull(chunk, offset);
      for (; candidates != 0; candidates &= candidates - 1) {
        long slot = Integer.numberOfTrailingZeros(candidates);
        long word = (long) WORD.getAcquire(chunk, offset + slot * Long.BYTES);
        if (Slot.window(word) == window
            && word != Slot.EMPTY
            && matcher.matches(Slot.address(word))) {
          return Slot.address(word);
        }
      }
      if (!full) break;
      bucket = after(bucket);
    }
    VarHandle.acquireFence(); // what was glanced at comes before what the caller reads next
    return HashIndex.NONE;
  }

  /// The slot that holds exactly this word, or -1.
  int locate(long wanted) {
    int bucket = home(Slot.window(wanted));
    for (int left = buckets; left > 0; left--) {
      int page = pages[bucket >>> PAGE_BUCKET_BITS];
      MemorySegment chunk = chunks[page >>> PageSlab.CHUNK_PAGE_BITS];
      long offset = offset(page, bucket << SLOT_BITS);
      int candidates = ofWindow(chunk, offset, Slot.window(wanted));
      boolean full = isFull(chunk, offset);
      for (; candidates != 0; candidates &= candidates - 1) {
        int slot = Integer.numberOfTrailingZeros(candidates);
        if ((long) WORD.getAcquire(chunk, offset + (long) slot * Long.BYTES) == wanted) {
          return (bucket << SLOT_BITS) + slot;
        }
      }
      if (!full) break;
      bucket = after(bucket);
    }
    VarHandle.acquireFence(); // as in find
    return -1;
  }

  /// Which slots of a bucket seem to hold this window, one bit each; for window 0 the empty ones too.
  ///
  /// Without a branch: the answer depends on memory that is on its way, and a branch that is guessed
  /// wrong would throw away all that the processor does meanwhile.
  private static int ofWindow(MemorySegment chunk, long offset, long window) {
    long tag = Slot.word(window, 0);
    return isOf(chunk.get(GLANCE, offset), tag)
        | isOf(chunk.get(GLANCE, offset + 8), tag) << 1
        | isOf(chunk.get(GLANCE, offset + 16), tag) << 2
        | isOf(chunk.get(GLANCE, offset + 24), tag) << 3
        | isOf(chunk.get(GLANCE, offset + 32), tag) << 4
        | isOf(chunk.get(GLANCE, offset + 40), tag) << 5
        | isOf(chunk.get(GLANCE, offset + 48), tag) << 6
        | isOf(chunk.get(GLANCE, offset + 56), tag) << 7;
  }

  /// 1 if the word is of the tag's window, else 0.
  private static int isOf(long word, long tag) {
    return (int) ((((word ^ tag) >>> Slot.ADDRESS_BITS) - 1) >>> 63);
  }

  private static boolean isFull(MemorySegment chunk, long offset) {
    return chunk.get(GLANCE, offset + LAST_SLOT * Long.BYTES) != Slot.EMPTY;
  }

  long touch(long window) {
    return get(home(window) << SLOT_BITS);
  }

  /// Adds an entry. One word is written, so a probe sees the table before it or after it.
  ///
  /// @return false if no slot is free, which comes only of an image that lied about its entries
  boolean add(long word) {
    int bucket = home(Slot.window(word));
    for (int left = buckets; left > 0; left--) {
      int page = pages[bucket >>> PAGE_BUCKET_BITS];
      MemorySegment chunk = chunks[page >>> PageSlab.CHUNK_PAGE_BITS];
      long offset = offset(page, bucket << SLOT_BITS);
      if (!isFull(chunk, offset)) {
        WORD.setRelease(chunk, offset + (long) used(chunk, offset) * Long.BYTES, word);
        return true;
      }
      bucket = after(bucket);
    }
    return false;
  }

  /// Adds an entry unless one of the same window is there, whose key might be the same, or no slot is
  /// free.
  boolean addIfVacant(long word) {
    int bucket = home(Slot.window(word));
    for (int left = buckets; left > 0; left--) {
      int page = pages[bucket >>> PAGE_BUCKET_BITS];
      MemorySegment chunk = chunks[page >>> PageSlab.CHUNK_PAGE_BITS];
      long offset = offset(page, bucket << SLOT_BITS);
      if (ofWindow(chunk, offset, Slot.window(word)) != 0) return false;
      if (!isFull(chunk, offset)) {
        WORD.setRelease(chunk, offset + (long) used(chunk, offset) * Long.BYTES, word);
        return true;
      }
      bucket = after(bucket);
    }
    return false;
  }

  /// The address of some entry of this window, or [HashIndex#NONE]: a guess for who wants to load what
  /// is there in advance.
  long guess(long window) {
    int bucket = home(window);
    int page = pages[bucket >>> PAGE_BUCKET_BITS];
    MemorySegment chunk = chunks[page >>> PageSlab.CHUNK_PAGE_BITS];
    long offset = offset(page, bucket << SLOT_BITS);
    int candidates = ofWindow(chunk, offset, window);
    if (candidates == 0) return HashIndex.NONE;
    int slot = Integer.numberOfTrailingZeros(candidates);
    return Slot.address((long) WORD.getAcquire(chunk, offset + (long) slot * Long.BYTES));
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

  /// Adds all entries to another table, which is empty, has room for them and is seen by nobody yet.
  /// Returns how many there are.
  int copyTo(Table other) {
    byte[] used = new byte[other.buckets]; // spares a look at each bucket for each of its entries
    int copied = 0;
    for (int bucket = 0; bucket < buckets; bucket++) {
      int page = pages[bucket >>> PAGE_BUCKET_BITS];
      MemorySegment chunk = chunks[page >>> PageSlab.CHUNK_PAGE_BITS];
      long offset = offset(page, bucket << SLOT_BITS);
      for (int slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
        long word = chunk.get(GLANCE, offset + (long) slot * Long.BYTES);
        if (word == Slot.EMPTY) continue;
        other.addFresh(word, used);
        copied++;
      }
    }
    return copied;
  }

  /// Counts the entries.
  int count() {
    int count = 0;
    for (int bucket = 0; bucket < buckets; bucket++) count += used(bucket);
    return count;
  }

  private void addFresh(long word, byte[] used) {
    int bucket = home(Slot.window(word));
    while (used[bucket] == SLOTS_PER_BUCKET) bucket = after(bucket);
    int slot = (bucket << SLOT_BITS) + used[bucket]++;
    int page = pages[slot >>> PAGE_SLOT_BITS];
    chunks[page >>> PageSlab.CHUNK_PAGE_BITS].set(GLANCE, offset(page, slot), word);
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

  /// Copies all words, empty ones among them.
  void copyWords(long[] target) {
    if (!ownsPages()) return;
    for (int place = 0; place < pages.length; place++) {
      MemorySegment.copy(
          chunkOf(place),
          ValueLayout.JAVA_LONG,
          PageSlab.offsetInChunk(pages[place]),
          target,
          place * SLOTS_PER_PAGE,
          SLOTS_PER_PAGE);
    }
  }

  /// Overwrites all pages. Before anybody else sees the table.
  void fill(long[] words) {
    if (!ownsPages()) return;
    for (int place = 0; place < pages.length; place++) {
      MemorySegment.copy(
          words,
          place * SLOTS_PER_PAGE,
          chunkOf(place),
          ValueLayout.JAVA_LONG,
          PageSlab.offsetInChunk(pages[place]),
          SLOTS_PER_PAGE);
    }
  }

  private MemorySegment chunkOf(int place) {
    return chunks[pages[place] >>> PageSlab.CHUNK_PAGE_BITS];
  }

  /// Copies a page as it is, by its place in the table.
  void copyPage(int place, MemorySegment target, long offset) {
    MemorySegment.copy(
        chunkOf(place), PageSlab.offsetInChunk(pages[place]), target, offset, PageSlab.PAGE_BYTES);
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
    int page = pages[bucket >>> PAGE_BUCKET_BITS];
    MemorySegment chunk = chunks[page >>> PageSlab.CHUNK_PAGE_BITS];
    return used(chunk, offset(page, bucket << SLOT_BITS));
  }

  /// How many slots of a bucket are taken, without a branch: up to the last one. For the holder of the
  /// shard's lock.
  private static int used(MemorySegment chunk, long offset) {
    int taken = 0;
    for (int slot = 0; slot < SLOTS_PER_BUCKET; slot++) {
      long word = chunk.get(GLANCE, offset + (long) slot * Long.BYTES);
      taken |= (int) ((word | -word) >>> 63) << slot;
    }
    return Integer.SIZE - Integer.numberOfLeadingZeros(taken);
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

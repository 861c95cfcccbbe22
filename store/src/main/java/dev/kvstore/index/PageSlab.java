package dev.kvstore.index;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// The off-heap memory of an index: pages of 4 KiB in chunks of 1 MiB.
///
/// - Threads: every call takes the slab's monitor, which nests inside a shard's lock, never around
///   it. A shard that changes its size holds the monitor all the while, so that only one table at a
///   time exists twice.
/// - Memory: the lowest free page is taken first, and chunks are a stack: only the highest one goes
///   back to the system. At most [#SPARE_PAGES] and a 32nd of the pages in use stay free; who sees
///   more ([#isLoose]) calls [#trim] and moves the page it names, without a shard's lock.
/// - Lifecycle: [#close] frees all; taking pages afterwards throws [IllegalStateException].
/// - Failure: [OutOfMemoryError] of [#take] takes nothing.
final class PageSlab implements AutoCloseable {
  static final int PAGE_BYTES = 4096;
  static final int CHUNK_PAGE_BITS = 8;
  static final int PAGES_PER_CHUNK = 1 << CHUNK_PAGE_BITS;
  static final int SPARE_PAGES = PAGES_PER_CHUNK;

  static final int CHUNK_BYTES = PAGE_BYTES * PAGES_PER_CHUNK;
  static final int CACHE_LINE_BYTES = 64;
  private static final short NOBODY = -1;
  private static final int NO_CHUNK = -1;

  // Guarded by this monitor. Each chunk has its own shared arena, owned here and closed by trim or
  // close. A table keeps the array of chunks that it was made with: of no array an element below
  // chunkCount is ever replaced, so it stays right for the table's own pages while it owns them.
  // Elements above stay what they were: a late reader shall meet a dead segment there, not null.
  // endEvacuation replaces a chunk that nobody owns a page of, in a new array.
  private @Nullable Arena[] arenas = new Arena[0]; // null where the collector frees
  private MemorySegment[] chunks = new MemorySegment[0];
  private int chunkCount;
  private short[] owners = new short[0]; // by page: number of the shard, or NOBODY
  private final BitSet free = new BitSet();
  private int freeCount;
  private int evacuating = NO_CHUNK;
  private boolean closed;

  // Written under the monitor, read without: a hint.
  private volatile boolean loose;

  /// Takes pages for a table of a shard, zeroed.
  synchronized Table take(int count, int owner) {
    Table table = takeUnfilled(count, owner);
    try {
      for (int page : table.pages()) slice(page).fill((byte) 0);
    } catch (Throwable e) {
      release(table.pages());
      throw e;
    }
    return table;
  }

  /// Takes pages for a table of a shard, whatever is in them: to be filled before the table is used.
  synchronized Table takeUnfilled(int count, int owner) {
    if (closed) throw new IllegalStateException("index is closed");
    while (freeCount < count) addChunk();
    int[] pages = new int[count];
    Table table = new Table(chunks, pages); // what allocates comes before anything is taken
    for (int i = 0; i < count; i++) pages[i] = takeLowest(owner);
    updateLoose();
    beforeReuse();
    return table;
  }

  /// Copies a page into the lowest free one, if that is below it; returns the table with the copy
  /// in place of the page, or the table itself if there is no such page.
  synchronized Table lowered(Table table, int page, int owner) {
    int lowest = free.nextSetBit(0);
    if (lowest < 0 || lowest > page) return table;
    return moved(table, page, owner);
  }

  /// Copies a page of a table into the lowest free one; what allocates comes before anything is taken.
  private Table moved(Table table, int page, int owner) {
    int target = free.nextSetBit(0);
    Table moved = table.moved(page, target, chunks);
    MemorySegment from = slice(page);
    MemorySegment to = slice(target);
    takeLowest(owner);
    updateLoose();
    beforeReuse();
    to.copyFrom(from);
    return moved;
  }

  /// Takes the chunks of an image over, their pages in use by the shards that its shape names.
  ///
  /// @return the chunks, for making tables of them
  synchronized MemorySegment[] adopt(ImportedBlocks blocks) {
    if (closed) throw new IllegalStateException("index is closed");
    if (chunkCount > 0) throw new IllegalArgumentException("index is not empty");
    ImageShape shape = blocks.shape();
    int count = shape.blocks();
    owners = new short[count << CHUNK_PAGE_BITS];
    Arrays.fill(owners, NOBODY);
    for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
      int first = shape.firstPage(shard);
      Arrays.fill(owners, first, first + shape.pages(shard), (short) shard);
    }
    free.set(shape.pages(), owners.length);
    freeCount = owners.length - shape.pages();
    chunks = blocks.chunks();
    arenas = blocks.handOver();
    chunkCount = count;
    updateLoose();
    return chunks;
  }

  synchronized void release(int... pages) {
    if (closed) return;
    for (int page : pages) {
      assert owners[page] != NOBODY : page;
      owners[page] = NOBODY;
      if (page >>> CHUNK_PAGE_BITS == evacuating) continue;
      free.set(page);
      freeCount++;
    }
    updateLoose();
  }

  /// Gives no page of a chunk out any more, so that all of them can be moved to others; false if there
  /// is no such chunk any more.
  synchronized boolean beginEvacuation(int chunk) {
    if (closed || chunk >= chunkCount) return false;
    evacuating = chunk;
    int first = chunk << CHUNK_PAGE_BITS;
    freeCount -= free.get(first, first + PAGES_PER_CHUNK).cardinality();
    free.clear(first, first + PAGES_PER_CHUNK);
    updateLoose();
    return true;
  }

  /// Leaves what is still in that chunk there, and gives out again what is not.
  synchronized void cancelEvacuation() {
    if (closed || evacuating == NO_CHUNK) return;
    int first = evacuating << CHUNK_PAGE_BITS;
    for (int page = first; page < first + PAGES_PER_CHUNK; page++) {
      if (owners[page] != NOBODY) continue;
      free.set(page);
      freeCount++;
    }
    evacuating = NO_CHUNK;
    updateLoose();
  }

  /// Copies a page of that chunk into a free one; returns the table with the copy in place of the page.
  synchronized Table evacuated(Table table, int page, int owner) {
    if (freeCount == 0) addChunk();
    Table moved = moved(table, page, owner);
    owners[page] = NOBODY;
    return moved;
  }

  /// Puts fresh memory in the place of that chunk, which nobody owns a page of. The array is a new one:
  /// late readers shall meet what is dead, not what is another's.
  synchronized void endEvacuation() {
    if (closed) return;
    Arena arena = Arena.ofShared();
    MemorySegment[] next = chunks.clone();
    try {
      next[evacuating] = arena.allocate(CHUNK_BYTES, CACHE_LINE_BYTES);
    } catch (Throwable refused) {
      arena.close();
      throw refused;
    }
    closeArena(evacuating);
    arenas[evacuating] = arena;
    chunks = next;
    int first = evacuating << CHUNK_PAGE_BITS;
    free.set(first, first + PAGES_PER_CHUNK);
    freeCount += PAGES_PER_CHUNK;
    evacuating = NO_CHUNK;
    updateLoose();
  }

  /// Whether more is free than should be.
  boolean isLoose() {
    return loose;
  }

  /// Gives back free chunks at the top while more is free than should be. If more still is, returns
  /// the highest page in use, which has to be moved; else -1.
  synchronized int trim() {
    while (loose) {
      int highest = free.previousClearBit((chunkCount << CHUNK_PAGE_BITS) - 1);
      if (highest >>> CHUNK_PAGE_BITS == chunkCount - 1) return highest;
      removeChunk();
    }
    return -1;
  }

  /// The shard that owns a page, or -1.
  synchronized int owner(int page) {
    return page < owners.length ? owners[page] : NOBODY;
  }

  /// Bytes of all chunks and of what this class keeps on the heap about pages.
  synchronized long bytes() {
    return (long) chunkCount * CHUNK_BYTES
        + (long) owners.length * Short.BYTES
        + free.size() / Byte.SIZE
        + 2L * chunks.length * Integer.BYTES;
  }

  @Override
  public synchronized void close() {
    if (closed) return;
    closed = true;
    loose = false;
    while (chunkCount > 0) closeArena(--chunkCount);
    free.clear();
    freeCount = 0;
    owners = new short[0];
  }

  static long offsetInChunk(int page) {
    return (long) (page & PAGES_PER_CHUNK - 1) * PAGE_BYTES;
  }

  private void addChunk() {
    reserveChunkNumber();
    int first = chunkCount << CHUNK_PAGE_BITS;
    Arena arena = Arena.ofShared();
    try {
      chunks[chunkCount] = arena.allocate(CHUNK_BYTES, CACHE_LINE_BYTES);
      free.set(first, first + PAGES_PER_CHUNK);
    } catch (Throwable refused) {
      arena.close();
      throw refused;
    }
    Arrays.fill(owners, first, first + PAGES_PER_CHUNK, NOBODY);
    freeCount += PAGES_PER_CHUNK;
    arenas[chunkCount++] = arena;
    updateLoose();
  }

  private void reserveChunkNumber() {
    if (chunkCount < chunks.length) return;
    int length = Math.max(8, chunkCount + (chunkCount >> 1));
    owners = Arrays.copyOf(owners, length << CHUNK_PAGE_BITS);
    arenas = Arrays.copyOf(arenas, length);
    chunks = Arrays.copyOf(chunks, length);
  }

  private void removeChunk() {
    int first = --chunkCount << CHUNK_PAGE_BITS;
    free.clear(first, first + PAGES_PER_CHUNK);
    freeCount -= PAGES_PER_CHUNK;
    updateLoose();
    closeArena(chunkCount);
  }

  private void closeArena(int chunk) {
    Arena arena = arenas[chunk];
    if (arena != null) arena.close();
  }

  private int takeLowest(int owner) {
    int page = free.nextSetBit(0);
    free.clear(page);
    freeCount--;
    owners[page] = (short) owner;
    return page;
  }

  private void updateLoose() {
    int used = (chunkCount << CHUNK_PAGE_BITS) - freeCount;
    boolean now = freeCount > SPARE_PAGES + used / 32;
    if (loose != now) loose = now;
  }

  private MemorySegment slice(int page) {
    return chunks[page >>> CHUNK_PAGE_BITS].asSlice(offsetInChunk(page), PAGE_BYTES);
  }

  // A late reader may still read the page for the table that gave it up. That table's version
  // changed before the page was released; this fence orders the change before the words written
  // from here on, and pairs with getAcquire in Table.find: who sees one of them sees the changed
  // version as well.
  private static void beforeReuse() {
    VarHandle.releaseFence();
  }
}

package dev.kvstore.index;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/// An exact, concurrent, off-heap hash index: 64-bit hash of a key -> 40-bit address of its record.
///
/// - Holds nothing of the key. [#find] asks the caller's [KeyMatcher] to confirm a key, so two keys
///   with equal hashes are two entries, and answers are exact. Hashes must be well mixed.
/// - Threads: any number of readers, which take no lock and are never stopped by a growing shard;
///   any number of writers, which exclude each other per shard for some ten nanoseconds. A reader
///   that obtains an address also sees all that the writer did before it handed the address over.
/// - Memory: at most 16 bytes per entry from a million entries on, at any moment, also right after
///   growing and after removing most of them. Calls allocate nothing on the heap, except growth.
/// - Pauses: growing or shrinking copies one shard, a 1024th of all entries, and nobody but writers
///   of that shard (or of another one that must grow too) waits for it.
/// - Failure: a call that throws has changed nothing. [OutOfMemoryError] of a growing insert leaves
///   the index as it was; a removal that finds no memory to shrink with does not shrink. Mapped
///   memory that is lost (see [#adopt]) is the exception: what a mutation that met it has done is not
///   known.
/// - Lifecycle: [#close] frees the memory and may be repeated. Afterwards sizes are 0, and whatever
///   needs an entry throws [IllegalStateException], also if it was under way.
public final class HashIndex implements AutoCloseable {
  /// The answer for a key that is not there. Never the address of a record.
  public static final long NONE = 0;

  /// Addresses are 1 to 2^40 - 1.
  public static final int ADDRESS_BITS = Slot.ADDRESS_BITS;

  public static final int SHARDS = 1024;

  /// Where an iteration by [#collect] begins, and what it returns when nothing is left.
  public static final long START = 0;

  public static final long END = -1;

  private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final int SHARD_BITS = Integer.numberOfTrailingZeros(SHARDS);

  /// How many bits of a hash the index knows; the highest.
  public static final int HASH_BITS = SHARD_BITS + Slot.WINDOW_BITS;

  private final PageSlab slab = new PageSlab();
  private final Shard[] shards = new Shard[SHARDS];

  // Chunks before this one may be mapped.
  private volatile int mappedChunks;

  // What lost memory turns into; replaced before anybody else has the index.
  private Function<InternalError, RuntimeException> lost =
      error -> {
        throw error; // nothing here was ever mapped
      };

  public HashIndex() {
    for (int number = 0; number < SHARDS; number++) shards[number] = new Shard(number, slab);
  }

  /// The shard that holds every entry of this hash: its top bits.
  public static int shardOf(long hash) {
    return (int) (hash >>> (Long.SIZE - SHARD_BITS));
  }

  /// The address of the entry of this hash whose key the matcher confirms, or [#NONE].
  public long find(long hash, KeyMatcher matcher) {
    try {
      long found = shard(hash).find(windowOf(hash), matcher);
      if (found == NONE && mappedChunks > 0) LostMemory.tellNow(); // before the miss is believed
      return found;
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// Whether exactly this entry is there: is the record at this address the live one of its key?
  public boolean contains(long hash, long address) {
    try {
      return shard(hash).contains(Slot.word(windowOf(hash), checked(address)));
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// Loads the cache line in which a [#find] of this hash will begin, so that the memory misses of
  /// several lookups overlap. Fold the answer into something that is used, or the JIT drops the
  /// load.
  public long touch(long hash) {
    try {
      return shard(hash).touch(windowOf(hash));
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// The address that a [#find] of this hash will most likely ask its matcher about, or [#NONE]; only
  /// to load what is there in advance. Wrong in rare cases, and nothing may rest on it.
  public long guess(long hash) {
    try {
      return shard(hash).guess(windowOf(hash));
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// Adds an entry if no key whose hash looks the same has one: then the key cannot have one either.
  /// Otherwise changes nothing and returns false; the caller has to ask [#find]. The caller keeps
  /// others from adding the same key until this returns.
  public boolean insertIfVacant(long hash, long address) {
    try {
      return shard(hash).insertIfVacant(Slot.word(windowOf(hash), checked(address)));
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// Adds an entry. The caller knows that the key has none, and keeps it so until this returns.
  public void insert(long hash, long address) {
    try {
      shard(hash).insert(Slot.word(windowOf(hash), checked(address)));
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// Redirects the entry of this hash from `expected` to `address`; false if there is no such
  /// entry.
  public boolean replace(long hash, long expected, long address) {
    long window = windowOf(hash);
    try {
      return shard(hash)
          .replace(Slot.word(window, checked(expected)), Slot.word(window, checked(address)));
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// As [#contains] for many entries; those of one shard, if they follow each other, cost little more
  /// than the memory they touch. In the order of hashes that is touched in order.
  ///
  /// @param found takes the answers
  public void containsAll(long[] hashes, long[] addresses, int count, boolean[] found) {
    try {
      for (int from = 0; from < count; ) {
        int to = endOfShard(hashes, from, count);
        shard(hashes[from]).containsAll(hashes, addresses, from, to, found);
        from = to;
      }
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// As [#replace] for many entries. Those of one shard that follow each other are replaced in one go,
  /// while other writers of the shard, and readers that find nothing, wait: give a hundred or so.
  ///
  /// @param replaced takes the answers
  public void replaceAll(
      long[] hashes, long[] expected, long[] addresses, int count, boolean[] replaced) {
    try {
      for (int from = 0; from < count; ) {
        int to = endOfShard(hashes, from, count);
        shard(hashes[from]).replaceAll(hashes, expected, addresses, from, to, replaced);
        from = to;
      }
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  private static int endOfShard(long[] hashes, int from, int count) {
    int to = from + 1;
    while (to < count && shardOf(hashes[to]) == shardOf(hashes[from])) to++;
    return to;
  }

  /// Removes exactly this entry; false if it is not there.
  public boolean remove(long hash, long address) {
    try {
      boolean removed = shard(hash).remove(Slot.word(windowOf(hash), checked(address)));
      if (slab.isLoose()) tidyIfThereIsMemory();
      return removed;
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// Number of entries; exact when no mutation is in flight.
  public long size() {
    long size = 0;
    for (Shard shard : shards) size += shard.size();
    return size;
  }

  /// Bytes held: all off-heap memory, whether in use or spare, and the heap tables that lead to it.
  public long bytes() {
    long bytes = slab.bytes();
    for (Shard shard : shards) bytes += shard.tableBytes();
    return bytes;
  }

  /// One step of an iteration: hands over the addresses of the next hundred or so entries and
  /// returns the position of the following step, or [#END].
  ///
  /// Positions name ranges of hashes, not places in memory. A key whose entry stands from the first
  /// step to the last is handed over exactly once, whatever is inserted, removed, replaced or moved
  /// meanwhile. A step is atomic, an iteration is not: it may mix older and newer addresses.
  public long collect(long position, AddressSink sink) {
    if (position < 0 || position >= SHARDS * Slot.WINDOWS) {
      throw new IllegalArgumentException("position " + position);
    }
    int number = (int) (position >>> Slot.WINDOW_BITS);
    long next;
    try {
      next = shards[number].collect(position & Slot.WINDOW_MASK, sink);
    } catch (InternalError e) {
      throw lost.apply(e);
    }
    if (next < Slot.WINDOWS) return ((long) number << Slot.WINDOW_BITS) | next;
    return ++number < SHARDS ? (long) number << Slot.WINDOW_BITS : END;
  }

  /// The position of a hash in an iteration by [#collect].
  public static long positionOf(long hash) {
    return hash >>> (Long.SIZE - HASH_BITS);
  }

  /// The shard that a step of an iteration by [#collect] lies in which begins here; there is one.
  public static int shardAt(long position) {
    return (int) (position >>> Slot.WINDOW_BITS);
  }

  /// Hands over all entries of a shard as they are now, in no particular order. The sink may change the
  /// index.
  public void forEach(int shard, EntrySink sink) {
    long[] words = words(shard);
    for (long word : words) {
      if (word != Slot.EMPTY) {
        long position = ((long) shard << Slot.WINDOW_BITS) | Slot.window(word);
        sink.take(position << (Long.SIZE - HASH_BITS), Slot.address(word));
      }
    }
  }

  public int shardSize(int shard) {
    return shards[shard].size();
  }

  /// Sizes a shard for `count` entries in advance, so that filling it up to there moves nothing.
  public void reserve(int shard, int count) {
    try {
      shards[shard].reserve(count);
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  int shardPages(int shard) {
    return shards[shard].pages();
  }

  private long[] words(int shard) {
    long[] words;
    do {
      words = new long[shardPages(shard) * Table.SLOTS_PER_PAGE];
    } while (!copyWords(shard, words));
    return words;
  }

  /// Copies the words of a shard's table, empty ones among them, to an array; false if there is no room
  /// for its pages.
  boolean copyWords(int shard, long[] target) {
    try {
      return shards[shard].copyWords(target);
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// Replaces a shard by a table that was put together elsewhere.
  void install(int shard, long[] words, int pages, int entries) {
    try {
      shards[shard].install(words, pages, entries);
    } catch (InternalError e) {
      throw lost.apply(e);
    }
  }

  /// Writes every entry of a shard, 8 bytes each in the byte order of the machine (window in the high 24
  /// bits, address in the low 40), in no particular order, and returns how many. The target has room
  /// for [#shardSize] of them, or [IndexOutOfBoundsException].
  public int exportShard(int shard, MemorySegment target, long offset) {
    int written = 0;
    for (long word : words(shard)) {
      if (word != Slot.EMPTY) target.set(WORD, offset + (long) Long.BYTES * written++, word);
    }
    return written;
  }

  /// Fills an empty shard with `count` entries as [#exportShard] writes them, in any order. That no
  /// entry occurs twice is the caller's promise.
  ///
  /// @throws IllegalArgumentException if the shard is not empty or an address is 0; nothing is
  /// filled
  public void importShard(int shard, MemorySegment source, long offset, int count) {
    if (shardSize(shard) > 0) throw new IllegalArgumentException("shard " + shard + " has entries");
    if (count == 0) return;
    ShardFiller filler = new ShardFiller(this);
    filler.begin(shard, count);
    for (int i = 0; i < count; i++) {
      filler.add(source.get(WORD, offset + (long) i * Long.BYTES));
    }
    filler.end();
  }

  /// How an image of the index as it is now is put together. Only of use as long as nobody changes it.
  public ImageShape shape() {
    int[] entries = new int[SHARDS];
    int[] pages = new int[SHARDS];
    for (int shard = 0; shard < SHARDS; shard++) {
      entries[shard] = shards[shard].size();
      pages[shard] = shards[shard].pages();
    }
    return new ImageShape(entries, pages);
  }

  /// Copies one block of the image: [ImageShape#blockBytes] of words in the byte order of the machine.
  public void copyBlock(ImageShape shape, int block, MemorySegment target) {
    int first = block << PageSlab.CHUNK_PAGE_BITS;
    int end = first + shape.blockBytes(block) / ImageShape.PAGE_BYTES;
    for (int shard = 0; shard < SHARDS; shard++) {
      int shardFirst = shape.firstPage(shard);
      int from = Math.max(first, shardFirst);
      int to = Math.min(end, shardFirst + shape.pages(shard));
      if (from < to) {
        long offset = (long) (from - first) * ImageShape.PAGE_BYTES;
        try {
          shards[shard].copyPages(from - shardFirst, to - shardFirst, target, offset);
        } catch (InternalError e) {
          throw lost.apply(e);
        }
      }
    }
  }

  /// Takes over, into an empty index, the blocks that were copied from another.
  ///
  /// What they hold is believed: the caller has made sure that it is what [#copyBlock] gave. If it is
  /// not, lookups may miss, count or name anything, but everything still ends and stays in its bounds.
  ///
  /// @param whenLost what a call throws that meets a mapped block whose file somebody has cut; the
  ///     system's own word for it would not tell which file that was
  /// @throws IllegalArgumentException if the index is not empty
  public void adopt(ImportedBlocks blocks, Function<InternalError, RuntimeException> whenLost) {
    ImageShape shape = blocks.shape();
    MemorySegment[] chunks = slab.adopt(blocks);
    mappedChunks = blocks.mapped();
    lost =
        error -> {
          if (isMapped()) return whenLost.apply(error);
          throw error; // of somebody else, a moment late
        };
    for (int shard = 0; shard < SHARDS; shard++) {
      int[] pages = new int[shape.pages(shard)];
      if (pages.length == 0) continue;
      for (int i = 0; i < pages.length; i++) pages[i] = shape.firstPage(shard) + i;
      shards[shard].adopt(new Table(chunks, pages), shape.entries(shard));
    }
  }

  /// Whether there are pages to [#own].
  public boolean isMapped() {
    return mappedChunks > 0;
  }

  /// Moves everything that was adopted with mapped blocks into memory of the index's own; nothing that
  /// happens to their file matters any more then. One thread, beside any others.
  ///
  /// @param enough asked now and then; ends this early
  /// @throws OutOfMemoryError the rest stays where it is
  public void own(BooleanSupplier enough) {
    int chunks = mappedChunks;
    for (int chunk = 0; chunk < chunks; chunk++) {
      if (enough.getAsBoolean()) return;
      if (!slab.beginEvacuation(chunk)) break; // it and all behind it were given back
      try {
        int first = chunk << PageSlab.CHUNK_PAGE_BITS;
        for (int page = first; page < first + PageSlab.PAGES_PER_CHUNK; page++) {
          int owner = slab.owner(page);
          if (owner >= 0) shards[owner].evacuate(page);
        }
        slab.endEvacuation();
      } catch (InternalError e) {
        throw lost.apply(e);
      } finally {
        slab.cancelEvacuation(); // does nothing if it has ended
      }
    }
    mappedChunks = 0;
  }

  @Override
  public void close() {
    for (Shard shard : shards) shard.close();
    slab.close();
  }

  /// To give memory back takes a little first. The entry is gone all the same, and the next removal tries
  /// again.
  private void tidyIfThereIsMemory() {
    try {
      tidy();
    } catch (OutOfMemoryError refused) {
      // As said.
    }
  }

  /// Gives memory back to the system: moves pages out of the highest chunk until it is free. At
  /// most one chunk's worth of pages per call, which bounds what a single removal can cost.
  private void tidy() {
    for (int moves = 0; moves < PageSlab.PAGES_PER_CHUNK; moves++) {
      int page = slab.trim();
      if (page < 0) return;
      int owner = slab.owner(page);
      if (owner >= 0) shards[owner].vacate(page);
    }
  }

  private Shard shard(long hash) {
    return shards[(int) (hash >>> (Long.SIZE - SHARD_BITS))];
  }

  /// The word of an entry.
  static long wordOf(long hash, long address) {
    return Slot.word(windowOf(hash), checked(address));
  }

  static long windowOf(long hash) {
    return (hash >>> (Long.SIZE - HASH_BITS)) & Slot.WINDOW_MASK;
  }

  static long checked(long address) {
    if (address == NONE || address >>> ADDRESS_BITS != 0)
      throw new IllegalArgumentException("address " + address + " is not in 1..2^40-1");
    return address;
  }
}

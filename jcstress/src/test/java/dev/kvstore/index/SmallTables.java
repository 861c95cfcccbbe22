package dev.kvstore.index;

import java.lang.foreign.MemorySegment;

/// Shards as they are in an index, on memory that costs little: a table of one page on the heap, or pages of
/// one slab that all shards share and give back in the end.
final class SmallTables {
  static final long WINDOW = 3;

  private static final PageSlab SLAB = new PageSlab();

  private SmallTables() {}

  /// A shard with a table that is not of the slab, and so cannot be replaced.
  static Shard onHeap() {
    Shard shard = new Shard(0, SLAB);
    MemorySegment page = MemorySegment.ofArray(new long[Table.SLOTS_PER_PAGE]);
    shard.adopt(new Table(new MemorySegment[] {page}, new int[] {0}), 0);
    return shard;
  }

  /// A shard whose table is made of the slab's pages; [#giveBack] it.
  static Shard onSlab(int number) {
    return new Shard(number, SLAB);
  }

  static long word(long address) {
    return Slot.word(WINDOW, address);
  }

  /// Removes these entries, which must be all, so that the pages go back.
  static void giveBack(Shard shard, long... addresses) {
    for (long address : addresses) {
      shard.remove(word(address));
    }
  }
}

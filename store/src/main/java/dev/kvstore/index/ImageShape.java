package dev.kvstore.index;

/// How the pages of an index lie one behind the other in an image of it: all of one shard's, in the
/// order of its table, then those of the next shard. Blocks of 1 MiB of them are what is copied, read
/// and summed at once.
///
/// Immutable. Says nothing about what the pages hold.
public final class ImageShape {
  public static final int PAGE_BYTES = PageSlab.PAGE_BYTES;
  public static final int BLOCK_BYTES = PAGE_BYTES << PageSlab.CHUNK_PAGE_BITS;

  private final int[] entries;
  private final int[] firstPage; // by shard, and one more: where the last one ends

  /// @param entries by shard
  /// @param pages by shard
  /// @throws IllegalArgumentException if no index can be like that
  public ImageShape(int[] entries, int[] pages) {
    this.entries = entries.clone();
    this.firstPage = new int[HashIndex.SHARDS + 1];
    long end = 0;
    for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
      if (pages[shard] < 0
          || pages[shard] > Table.PAGES_MAX
          || entries[shard] < 0
          || entries[shard] > Table.entriesMax(pages[shard])) {
        throw new IllegalArgumentException(
            "shard "
                + shard
                + " with "
                + entries[shard]
                + " entries on "
                + pages[shard]
                + " pages");
      }
      end += pages[shard];
      if (end > Integer.MAX_VALUE - PageSlab.PAGES_PER_CHUNK) {
        throw new IllegalArgumentException("too many pages");
      }
      firstPage[shard + 1] = (int) end;
    }
  }

  public int entries(int shard) {
    return entries[shard];
  }

  public int pages(int shard) {
    return firstPage[shard + 1] - firstPage[shard];
  }

  /// The number of a shard's first page.
  int firstPage(int shard) {
    return firstPage[shard];
  }

  /// Entries in all.
  public long size() {
    long size = 0;
    for (int inShard : entries) size += inShard;
    return size;
  }

  public int pages() {
    return firstPage[HashIndex.SHARDS];
  }

  public int blocks() {
    return (pages() + PageSlab.PAGES_PER_CHUNK - 1) >>> PageSlab.CHUNK_PAGE_BITS;
  }

  /// Bytes of a block; all but the last are full.
  public int blockBytes(int block) {
    return Math.min(PageSlab.PAGES_PER_CHUNK, pages() - (block << PageSlab.CHUNK_PAGE_BITS))
        * PAGE_BYTES;
  }
}

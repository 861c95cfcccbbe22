package dev.kvstore.engine;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.index.ImageShape;
import dev.kvstore.index.ImportedBlocks;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.FileFormat;
import dev.kvstore.segment.LittleEndian;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.StoreId;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// The file `INDEX`: what the index held at a clean close, so that the next open need not read the log.
///
/// ```
///  offset size field
///       0   32 header         see FileFormat, kind 'I'
///      32    8 tailSegment    id of the segment that was appended to; 0 if there was none
///      40    8 lastSequence   of everything that is in the image
///      48    8 keys           entries in all
///      56    4 segmentCount
///      60    4 shardCount     1024
///      64      segments, 32 bytes each: id 8, bytes 8 (of the tail: how far it was written),
///              baseAddress 8, liveBytes 8
///              shards, 8 bytes each: entries 4, pages 4
///              blocks, 4 bytes each: CRC-32C of 1 MiB of the body, the last of what is left
///              zero, up to 4 bytes before a multiple of 4096, or without pages of 8
///      ..    4 checksum       CRC-32C of everything before
///      ..      body, shard by shard: pages, 4096 bytes each, see index.Table; or, if no shard has
///              pages, entries, 8 bytes each, see index.Slot
/// ```
///
/// Pages are the index's own, word for word: to load them is to read them into its memory, and to do
/// nothing for each entry. Below 131,072 keys they would be mostly empty, and entries take their place.
/// All words are little-endian; a machine of the other order neither writes nor reads an image.
///
/// Never forced and never trusted: an image that does not verify, or that names a segment which is not
/// there with that length, is ignored. Records behind the end of the tail are replayed on top of it, so
/// an image of an earlier close serves as long as no compaction has happened since.
final class IndexImage {
  static final String NAME = "INDEX";
  static final String NEXT_NAME = "INDEX.tmp";

  private static final int TAIL_SEGMENT = 32;
  private static final int LAST_SEQUENCE = 40;
  private static final int KEYS = 48;
  private static final int SEGMENT_COUNT = 56;
  private static final int SHARD_COUNT = 60;
  private static final int SEGMENTS = 64;
  private static final int SEGMENT_BYTES = 32;
  private static final int SHARD_BYTES = 8;
  private static final int BLOCK_SUM_BYTES = 4;
  private static final int CHECKSUM_BYTES = 4;

  private static final int BLOCK_BYTES = ImageShape.BLOCK_BYTES;

  /// From so many keys on an image is made of pages.
  private static final int PAGED_KEYS = BLOCK_BYTES / Long.BYTES;

  /// Each takes at least one of the chunks that addresses are handed out in, see [SegmentTable].
  private static final int SEGMENTS_MAX = 1 << 23;

  /// So that their sums are numbered by an int.
  private static final int BLOCKS_MAX = 1 << 24;

  private static final boolean USABLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

  private IndexImage() {}

  /// A segment as the image knew it.
  ///
  /// @param bytes its length; of the tail, how far it was written
  record ImagedSegment(long id, long bytes, long baseAddress, long liveBytes) {}

  /// Bytes before the body.
  private static long headBytes(long segmentCount, long blocks, boolean paged) {
    long bytes =
        SEGMENTS
            + segmentCount * SEGMENT_BYTES
            + (long) HashIndex.SHARDS * SHARD_BYTES
            + blocks * BLOCK_SUM_BYTES
            + CHECKSUM_BYTES;
    int boundary = paged ? ImageShape.PAGE_BYTES : Long.BYTES;
    return bytes + boundary - 1 & -boundary;
  }

  private static int blocks(long bodyBytes) {
    return Math.toIntExact((bodyBytes + BLOCK_BYTES - 1) / BLOCK_BYTES);
  }

  /// CRC-32C of memory that is ours. Native code may read it, since nobody can cut it.
  private static int checksum(MemorySegment block) {
    CRC32C crc = new CRC32C();
    crc.update(block.asByteBuffer());
    return (int) crc.getValue();
  }

  // ---- Writing

  /// Writes the image of an index that nobody changes any more. Replaces the one that is there.
  static void write(
      Directory directory,
      StoreId store,
      HashIndex index,
      List<Segment> segments,
      @Nullable Segment tail,
      long lastSequence) {
    if (!USABLE) {
      return;
    }
    if (directory.list().contains(NEXT_NAME)) {
      directory.remove(NEXT_NAME);
    }
    try (FileHandle file = directory.create(NEXT_NAME)) {
      writeTo(file, store, index, segments, tail, lastSequence);
    } catch (Throwable e) {
      try {
        directory.remove(NEXT_NAME);
        if (e instanceof StoreCorruptionException) {
          directory.remove(NAME); // the one that did not tell the truth
        }
      } catch (RuntimeException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
    directory.rename(NEXT_NAME, NAME);
  }

  private static void writeTo(
      FileHandle file,
      StoreId store,
      HashIndex index,
      List<Segment> segments,
      @Nullable Segment tail,
      long lastSequence) {
    ImageShape shape = index.shape();
    boolean paged = shape.size() >= PAGED_KEYS;
    long bodyBytes =
        paged ? (long) shape.pages() * ImageShape.PAGE_BYTES : shape.size() * Long.BYTES;
    MemorySegment head =
        MemorySegment.ofArray(new byte[(int) headBytes(segments.size(), blocks(bodyBytes), paged)]);
    FileFormat.write(head, FileFormat.Kind.IMAGE, store);
    head.set(LittleEndian.LONG, TAIL_SEGMENT, tail == null ? 0 : tail.id());
    head.set(LittleEndian.LONG, LAST_SEQUENCE, lastSequence);
    head.set(LittleEndian.LONG, KEYS, shape.size());
    head.set(LittleEndian.INT, SEGMENT_COUNT, segments.size());
    head.set(LittleEndian.INT, SHARD_COUNT, HashIndex.SHARDS);
    long at = SEGMENTS;
    for (Segment segment : segments) {
      head.set(LittleEndian.LONG, at, segment.id());
      head.set(LittleEndian.LONG, at + 8, segment.end());
      head.set(LittleEndian.LONG, at + 16, segment.baseAddress());
      head.set(LittleEndian.LONG, at + 24, segment.liveBytes());
      at += SEGMENT_BYTES;
    }
    for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
      head.set(LittleEndian.INT, at, shape.entries(shard));
      head.set(LittleEndian.INT, at + 4, paged ? shape.pages(shard) : 0);
      at += SHARD_BYTES;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(BLOCK_BYTES, Long.BYTES);
      for (int block = 0; block < blocks(bodyBytes); block++) {
        MemorySegment body = buffer;
        if (paged) {
          body = buffer.asSlice(0, shape.blockBytes(block));
          index.copyBlock(shape, block, body);
        } else {
          body = buffer.asSlice(0, bodyBytes);
          copyEntries(index, shape, body);
        }
        head.set(LittleEndian.INT, at, checksum(body));
        at += BLOCK_SUM_BYTES;
        file.write(head.byteSize() + (long) block * BLOCK_BYTES, body);
      }
    }
    long checksumAt = head.byteSize() - CHECKSUM_BYTES;
    head.set(LittleEndian.INT, checksumAt, FileFormat.checksum(head, 0, checksumAt));
    file.write(0, head);
  }

  private static void copyEntries(HashIndex index, ImageShape shape, MemorySegment body) {
    long at = 0;
    for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
      long bytes = (long) shape.entries(shard) * Long.BYTES;
      if (!isCopied(index, shard, body.asSlice(at, bytes))) {
        // Only an image that did not tell the truth about them makes it so; the next open counts.
        throw new StoreCorruptionException(NAME, at, "the index has other entries than it counts");
      }
      at += bytes;
    }
  }

  /// Copies the entries of a shard; false if they are fewer or more than there is room for.
  private static boolean isCopied(HashIndex index, int shard, MemorySegment target) {
    try {
      return index.exportShard(shard, target, 0) * (long) Long.BYTES == target.byteSize();
    } catch (IndexOutOfBoundsException more) {
      return false;
    }
  }

  // ---- Reading

  /// What an image says beside its entries.
  ///
  /// @param entries by shard
  /// @param shape of the pages; null if the body is of entries
  record Head(
      long tailSegment,
      long lastSequence,
      List<ImagedSegment> segments,
      int[] entries,
      @Nullable ImageShape shape,
      MemorySegment sums,
      long bodyAt,
      long bytes) {}

  /// An image that verifies, in memory; to be loaded once.
  ///
  /// @param pages owned; null if the image is of entries
  /// @param words the entries, if it is
  record Opened(Head head, @Nullable ImportedBlocks pages, MemorySegment words)
      implements AutoCloseable {

    long tailSegment() {
      return head.tailSegment();
    }

    long lastSequence() {
      return head.lastSequence();
    }

    List<ImagedSegment> segments() {
      return head.segments();
    }

    /// Bytes of the file.
    long bytes() {
      return head.bytes();
    }

    /// Fills an empty index.
    ///
    /// @throws StoreCorruptionException if an entry is none; the index is of no use then
    void load(HashIndex index) {
      if (pages != null) {
        index.adopt(pages, IndexImage::lost);
        return;
      }
      try {
        long at = 0;
        for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
          index.importShard(shard, words, at, head.entries()[shard]);
          at += (long) head.entries()[shard] * Long.BYTES;
        }
      } catch (IllegalArgumentException e) {
        throw new StoreCorruptionException(NAME, head.bodyAt(), String.valueOf(e.getMessage()));
      }
    }

    @Override
    public void close() {
      if (pages != null) {
        pages.close();
      }
    }
  }

  /// Reads the image and verifies all of it. Blocks of pages are mapped; they may yet be lost to somebody
  /// who changes the file, until [HashIndex#own].
  ///
  /// @throws StoreCorruptionException if it does not verify
  static Opened read(Directory directory, StoreId store, Workers workers, int threads) {
    try (FileHandle file = directory.openForCopies(NAME)) {
      Head head = readHead(file, store);
      ImageShape shape = head.shape();
      if (shape == null) {
        MemorySegment words =
            MemorySegment.ofArray(new byte[Math.toIntExact(head.bytes() - head.bodyAt())]);
        if (words.byteSize() > 0) {
          readBlock(file, head, 0, words);
        }
        return new Opened(head, null, words);
      }
      ImportedBlocks blocks = new ImportedBlocks(shape);
      try {
        AtomicInteger next = new AtomicInteger();
        Runnable task =
            () -> {
              try (Arena arena = Arena.ofConfined()) {
                MemorySegment buffer = arena.allocate(BLOCK_BYTES, Long.BYTES);
                for (int block = next.getAndIncrement();
                    block < shape.blocks();
                    block = next.getAndIncrement()) {
                  take(file, head, block, blocks, buffer);
                }
              }
            };
        int tasks = Math.clamp(shape.blocks(), 1, threads);
        workers.all("store-load", Collections.nCopies(tasks, task));
        return new Opened(head, blocks, MemorySegment.NULL);
      } catch (Throwable e) {
        blocks.close();
        throw e;
      }
    }
  }

  /// Verifies a block and maps it. It is not read through the mapping, so that pages which nobody needs
  /// are never mapped.
  private static void take(
      FileHandle file, Head head, int block, ImportedBlocks blocks, MemorySegment buffer) {
    if (blocks.shape().blockBytes(block) < BLOCK_BYTES) {
      readBlock(file, head, block, blocks.block(block)); // a mapping would reach beyond the end
      return;
    }
    readBlock(file, head, block, buffer);
    long at = head.bodyAt() + (long) block * BLOCK_BYTES;
    blocks.block(block, arena -> file.mapCopy(at, BLOCK_BYTES, arena));
  }

  private static void readBlock(FileHandle file, Head head, int block, MemorySegment target) {
    long at = head.bodyAt() + (long) block * BLOCK_BYTES;
    file.read(at, target);
    if (checksum(target) != head.sums().get(LittleEndian.INT, (long) block * BLOCK_SUM_BYTES)) {
      throw new StoreCorruptionException(NAME, at, "entries of the index do not verify");
    }
  }

  /// Reads only what an image says beside its entries.
  ///
  /// @throws StoreCorruptionException if that does not verify
  static Head readHead(Directory directory, StoreId store) {
    try (FileHandle file = directory.open(NAME, Access.READ)) {
      return readHead(file, store);
    }
  }

  private static Head readHead(FileHandle file, StoreId store) {
    long size = file.size();
    MemorySegment start = read(file, Math.min(size, SEGMENTS));
    FileFormat.check(start, NAME, FileFormat.Kind.IMAGE, store);
    if (!USABLE || start.byteSize() < SEGMENTS) {
      throw doesNotVerify(0);
    }
    long segmentCount = start.get(LittleEndian.INT, SEGMENT_COUNT) & 0xFFFF_FFFFL;
    if (start.get(LittleEndian.INT, SHARD_COUNT) != HashIndex.SHARDS
        || segmentCount > SEGMENTS_MAX
        || size / BLOCK_BYTES > BLOCKS_MAX
        || headBytes(segmentCount, 0, false) > size) {
      throw doesNotVerify(SEGMENT_COUNT);
    }
    MemorySegment head = read(file, Math.min(size, headBytes(segmentCount, blocks(size), true)));
    long shards = SEGMENTS + segmentCount * SEGMENT_BYTES;
    int[] entries = new int[HashIndex.SHARDS];
    int[] pages = new int[HashIndex.SHARDS];
    long keys = 0;
    long pageCount = 0;
    for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
      long row = shards + (long) shard * SHARD_BYTES;
      entries[shard] = head.get(LittleEndian.INT, row);
      pages[shard] = head.get(LittleEndian.INT, row + 4);
      keys += entries[shard] & 0xFFFF_FFFFL;
      pageCount += pages[shard] & 0xFFFF_FFFFL;
    }
    boolean paged = pageCount > 0;
    long bodyBytes = paged ? pageCount * ImageShape.PAGE_BYTES : keys * Long.BYTES;
    long bodyAt = bodyBytes > size ? size : headBytes(segmentCount, blocks(bodyBytes), paged);
    long checksumAt = bodyAt - CHECKSUM_BYTES;
    if (bodyAt + bodyBytes != size
        || (!paged && keys > PAGED_KEYS)
        || head.get(LittleEndian.INT, checksumAt) != FileFormat.checksum(head, 0, checksumAt)
        || head.get(LittleEndian.LONG, KEYS) != keys) {
      throw doesNotVerify(0);
    }
    List<ImagedSegment> segments = new ArrayList<>();
    for (long at = SEGMENTS; at < shards; at += SEGMENT_BYTES) {
      ImagedSegment segment =
          new ImagedSegment(
              head.get(LittleEndian.LONG, at),
              head.get(LittleEndian.LONG, at + 8),
              head.get(LittleEndian.LONG, at + 16),
              head.get(LittleEndian.LONG, at + 24));
      if (segment.bytes() < SegmentFormat.HEADER_BYTES || segment.bytes() % 8 != 0) {
        throw doesNotVerify(at);
      }
      segments.add(segment);
    }
    return new Head(
        head.get(LittleEndian.LONG, TAIL_SEGMENT),
        head.get(LittleEndian.LONG, LAST_SEQUENCE),
        segments,
        entries,
        paged ? shape(entries, pages, shards) : null,
        head.asSlice(shards + (long) HashIndex.SHARDS * SHARD_BYTES),
        bodyAt,
        size);
  }

  private static MemorySegment read(FileHandle file, long length) {
    byte[] bytes = new byte[(int) length];
    file.read(0, bytes, 0, bytes.length);
    return MemorySegment.ofArray(bytes);
  }

  private static ImageShape shape(int[] entries, int[] pages, long at) {
    try {
      return new ImageShape(entries, pages);
    } catch (IllegalArgumentException e) {
      throw doesNotVerify(at);
    }
  }

  /// What an access to a page that was mapped and is lost turns into; see [HashIndex#own].
  static StoreIoException lost(InternalError cause) {
    return new StoreIoException(NAME + " was cut while it was in use; open the store again", cause);
  }

  private static StoreCorruptionException doesNotVerify(long at) {
    return new StoreCorruptionException(NAME, at, "the index image does not verify");
  }
}

package dev.kvstore.engine;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.FileFormat;
import dev.kvstore.segment.LittleEndian;
import dev.kvstore.segment.Mapping;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.StoreId;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
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
///              shards, 8 bytes each: entries 4, checksum 4 (CRC-32C of its entries)
///      ..    4 checksum       CRC-32C of everything before
///      ..    4 zero
///              entries, 8 bytes each, shard by shard: see index.HashIndex
/// ```
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

  private IndexImage() {}

  /// A segment as the image knew it.
  ///
  /// @param bytes its length; of the tail, how far it was written
  record ImagedSegment(long id, long bytes, long baseAddress, long liveBytes) {}

  // ---- Writing

  /// Writes the image of an index that nobody changes any more. Replaces the one that is there.
  static void write(
      Directory directory,
      StoreId store,
      HashIndex index,
      List<Segment> segments,
      @Nullable Segment tail,
      long lastSequence) {
    long shards = SEGMENTS + (long) segments.size() * SEGMENT_BYTES;
    long checksumAt = shards + (long) HashIndex.SHARDS * SHARD_BYTES;
    long entries = checksumAt + 8;
    long size = entries + index.size() * Long.BYTES;
    if (directory.list().contains(NEXT_NAME)) {
      directory.remove(NEXT_NAME);
    }
    try (FileHandle file = directory.create(NEXT_NAME)) {
      file.fillZero(0, size);
      Mapping mapping = Mapping.of(file, size, Access.WRITE);
      try {
        MemorySegment image = mapping.memory();
        FileFormat.write(image, FileFormat.Kind.IMAGE, store);
        image.set(LittleEndian.LONG, TAIL_SEGMENT, tail == null ? 0 : tail.id());
        image.set(LittleEndian.LONG, LAST_SEQUENCE, lastSequence);
        image.set(LittleEndian.LONG, KEYS, index.size());
        image.set(LittleEndian.INT, SEGMENT_COUNT, segments.size());
        image.set(LittleEndian.INT, SHARD_COUNT, HashIndex.SHARDS);
        long at = SEGMENTS;
        for (Segment segment : segments) {
          image.set(LittleEndian.LONG, at, segment.id());
          image.set(LittleEndian.LONG, at + 8, segment.end());
          image.set(LittleEndian.LONG, at + 16, segment.baseAddress());
          image.set(LittleEndian.LONG, at + 24, segment.liveBytes());
          at += SEGMENT_BYTES;
        }
        long to = entries;
        for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
          int count = index.exportShard(shard, image, to);
          long end = to + (long) count * Long.BYTES;
          image.set(LittleEndian.INT, at, count);
          image.set(LittleEndian.INT, at + 4, FileFormat.checksum(image, to, end));
          at += SHARD_BYTES;
          to = end;
        }
        image.set(LittleEndian.INT, checksumAt, FileFormat.checksum(image, 0, checksumAt));
      } finally {
        mapping.retire();
      }
    } catch (Throwable e) {
      try {
        directory.remove(NEXT_NAME);
      } catch (RuntimeException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
    directory.rename(NEXT_NAME, NAME);
  }

  // ---- Reading

  /// An image that is open for loading; its header and tables verify.
  record Opened(
      Mapping mapping,
      long tailSegment,
      long lastSequence,
      long keys,
      List<ImagedSegment> segments,
      long shards,
      long entries)
      implements AutoCloseable {

    /// Bytes of the file.
    long bytes() {
      return mapping.memory().byteSize();
    }

    /// Fills an empty index.
    ///
    /// @throws StoreCorruptionException if entries do not verify; the index is then of no use
    void load(HashIndex index, Workers workers, int threads) {
      MemorySegment image = mapping.memory();
      long[] begins = new long[HashIndex.SHARDS + 1];
      begins[0] = entries;
      for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
        long count =
            image.get(LittleEndian.INT, shards + (long) shard * SHARD_BYTES) & 0xFFFF_FFFFL;
        begins[shard + 1] = begins[shard] + count * Long.BYTES;
      }
      if (begins[HashIndex.SHARDS] != image.byteSize()) {
        throw new StoreCorruptionException(NAME, shards, "shards and length do not agree");
      }
      AtomicInteger nextShard = new AtomicInteger();
      Runnable task =
          () -> {
            for (int shard = nextShard.getAndIncrement();
                shard < HashIndex.SHARDS;
                shard = nextShard.getAndIncrement()) {
              loadShard(index, shard, begins[shard], begins[shard + 1]);
            }
          };
      boolean small = keys < 100_000;
      workers.all("store-load", Collections.nCopies(small ? 1 : threads, task));
    }

    private void loadShard(HashIndex index, int shard, long from, long to) {
      MemorySegment image = mapping.memory();
      long row = shards + (long) shard * SHARD_BYTES;
      if (image.get(LittleEndian.INT, row + 4) != FileFormat.checksum(image, from, to)) {
        throw new StoreCorruptionException(NAME, from, "entries of the index do not verify");
      }
      try {
        index.importShard(shard, image, from, Math.toIntExact((to - from) / Long.BYTES));
      } catch (IllegalArgumentException e) {
        throw new StoreCorruptionException(NAME, from, String.valueOf(e.getMessage()));
      }
    }

    @Override
    public void close() {
      mapping.retire();
    }
  }

  /// Opens the image and verifies all but its entries.
  ///
  /// @throws StoreCorruptionException if it does not verify
  static Opened open(Directory directory, StoreId store) {
    try (FileHandle file = directory.open(NAME, Access.READ)) {
      if (file.size() < SEGMENTS) {
        throw new StoreCorruptionException(NAME, 0, "too short for an index image");
      }
      Mapping mapping = Mapping.of(file, file.size(), Access.READ);
      try {
        return check(mapping, store);
      } catch (Throwable e) {
        mapping.retire();
        throw e;
      }
    }
  }

  private static Opened check(Mapping mapping, StoreId store) {
    MemorySegment image = mapping.memory();
    FileFormat.check(image, NAME, FileFormat.Kind.IMAGE, store);
    long segmentCount = image.get(LittleEndian.INT, SEGMENT_COUNT) & 0xFFFF_FFFFL;
    long shards = SEGMENTS + segmentCount * SEGMENT_BYTES;
    long checksumAt = shards + (long) HashIndex.SHARDS * SHARD_BYTES;
    if (image.get(LittleEndian.INT, SHARD_COUNT) != HashIndex.SHARDS
        || checksumAt + 8 > image.byteSize()
        || image.get(LittleEndian.INT, checksumAt) != FileFormat.checksum(image, 0, checksumAt)) {
      throw new StoreCorruptionException(NAME, 0, "the index image does not verify");
    }
    List<ImagedSegment> segments = new ArrayList<>();
    for (long at = SEGMENTS; at < shards; at += SEGMENT_BYTES) {
      segments.add(
          new ImagedSegment(
              image.get(LittleEndian.LONG, at),
              image.get(LittleEndian.LONG, at + 8),
              image.get(LittleEndian.LONG, at + 16),
              image.get(LittleEndian.LONG, at + 24)));
    }
    return new Opened(
        mapping,
        image.get(LittleEndian.LONG, TAIL_SEGMENT),
        image.get(LittleEndian.LONG, LAST_SEQUENCE),
        image.get(LittleEndian.LONG, KEYS),
        segments,
        shards,
        checksumAt + 8);
  }
}

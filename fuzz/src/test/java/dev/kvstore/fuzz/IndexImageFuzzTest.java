package dev.kvstore.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kvstore.index.HashIndex;
import dev.kvstore.index.ImageShape;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.CRC32C;

/// Index images, of entries and of pages: one that does not verify is ignored; one that verifies and lies
/// makes lookups miss, and never serve what was not written to this key, hang or leave their bounds.
class IndexImageFuzzTest {
  private static final int SHARDS = 1024;
  private static final int BLOCK_BYTES = 1 << 20;
  private static final int PAGE_BYTES = 4096;
  private static final Bounds BOUNDS = new Bounds(32 << 20, 400);
  private static final Sample SAMPLE = new Sample();
  private static final byte[] ENTRIES = SAMPLE.file("INDEX");

  /// Where the rows of the shards begin, behind those of the segments.
  private static final int SHARDS_AT = 64 + 32 * PlainRecords.numbers(ENTRIES).getInt(56);

  private static final byte[] PAGES = paged(ENTRIES);

  /// The input is the image.
  @FuzzTest
  void anyBytes(byte[] input) {
    if (!Arrays.equals(input, ENTRIES)) {
      Map<String, byte[]> changed = SAMPLE.with("INDEX", input);
      BOUNDS.hold(input.length, () -> SAMPLE.requireUnharmed(changed));
    }
  }

  /// The input tells what is written over a good image of either form, whose checksums are then made
  /// right.
  @FuzzTest
  void anyChanges(byte[] input) {
    Feed feed = new Feed(input);
    boolean isPaged = feed.next() % 2 == 1;
    byte[] image = (isPaged ? PAGES : ENTRIES).clone();
    int bodyAt = bodyAt(image, isPaged);
    while (!feed.isEmpty()) {
      change(image, bodyAt, feed);
    }
    sum(image, bodyAt);
    Map<String, byte[]> changed = SAMPLE.with("INDEX", image);
    BOUNDS.hold(image.length, () -> SAMPLE.requireBounded(changed));
  }

  private static void change(byte[] image, int bodyAt, Feed feed) {
    switch (feed.below(8)) {
      case 0 -> image[feed.place(SHARDS_AT)] ^= (byte) feed.next();
      case 1 ->
          System.arraycopy(feed.take(8), 0, image, 32 + 8 * feed.below((SHARDS_AT - 32) / 8), 8);
      case 2 -> moveEntries(image, feed);
      case 3 -> System.arraycopy(feed.take(4), 0, image, SHARDS_AT + 4 * feed.place(2 * SHARDS), 4);
      case 4 -> System.arraycopy(feed.take(8), 0, image, word(image, bodyAt, feed), 8);
      case 5 -> copyWord(image, word(image, bodyAt, feed), word(image, bodyAt, feed));
      case 6 -> image[word(image, bodyAt, feed) + feed.below(8)] ^= (byte) feed.next();
      default -> {
        int from = word(image, bodyAt, feed);
        int to = Math.min(image.length, from + 8 * feed.next());
        byte[] word = feed.take(8);
        for (int at = from; at < to; at++) {
          image[at] = word[at % 8];
        }
      }
    }
  }

  private static void moveEntries(byte[] image, Feed feed) {
    int from = SHARDS_AT + 8 * feed.place(SHARDS);
    int to = SHARDS_AT + 8 * feed.place(SHARDS);
    int moved = (byte) feed.next();
    PlainRecords.numbers(image).putInt(from, PlainRecords.numbers(image).getInt(from) - moved);
    PlainRecords.numbers(image).putInt(to, PlainRecords.numbers(image).getInt(to) + moved);
  }

  /// The place of a word of the body that is not zero, if there is one near where the input points.
  private static int word(byte[] image, int bodyAt, Feed feed) {
    int at = bodyAt + 8 * feed.place((image.length - bodyAt) / 8);
    for (int next = at; next < image.length; next += 8) {
      if (PlainRecords.numbers(image).getLong(next) != 0) {
        return next;
      }
    }
    return at;
  }

  private static void copyWord(byte[] image, int from, int to) {
    System.arraycopy(image, from, image, to, 8);
  }

  // ---- See docs/format/index-image.md

  private static int bodyAt(byte[] image, boolean isPaged) {
    int bytes = 0;
    for (int shard = 0; shard < SHARDS; shard++) {
      int row = SHARDS_AT + 8 * shard;
      bytes +=
          isPaged
              ? PAGE_BYTES * PlainRecords.numbers(image).getInt(row + 4)
              : 8 * PlainRecords.numbers(image).getInt(row);
    }
    return image.length - bytes;
  }

  /// Makes the checksums right where they stand in the good image: what was changed may say otherwise.
  private static void sum(byte[] image, int bodyAt) {
    int sum = SHARDS_AT + 8 * SHARDS;
    for (int at = bodyAt; at < image.length; at += BLOCK_BYTES) {
      int crc = crc(image, at, Math.min(image.length, at + BLOCK_BYTES));
      PlainRecords.numbers(image).putInt(sum, crc);
      sum += 4;
    }
    PlainRecords.numbers(image).putInt(bodyAt - 4, crc(image, 0, bodyAt - 4));
  }

  private static int crc(byte[] bytes, int from, int to) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, from, to - from);
    return (int) crc.getValue();
  }

  /// The same index as pages, which the store itself makes of large ones only.
  private static byte[] paged(byte[] entries) {
    int bodyAt = bodyAt(entries, false);
    try (HashIndex index = new HashIndex()) {
      int at = bodyAt;
      for (int shard = 0; shard < SHARDS; shard++) {
        int count = PlainRecords.numbers(entries).getInt(SHARDS_AT + 8 * shard);
        index.importShard(shard, MemorySegment.ofArray(entries), at, count);
        at += 8 * count;
      }
      ImageShape shape = index.shape();
      int headBytes = SHARDS_AT + 8 * SHARDS + 4 * shape.blocks() + 4 + 4095 & -4096;
      byte[] image = Arrays.copyOf(entries, headBytes + shape.pages() * PAGE_BYTES);
      Arrays.fill(image, SHARDS_AT, image.length, (byte) 0);
      for (int shard = 0; shard < SHARDS; shard++) {
        int row = SHARDS_AT + 8 * shard;
        PlainRecords.numbers(image)
            .putInt(row, shape.entries(shard))
            .putInt(row + 4, shape.pages(shard));
      }
      for (int block = 0; block < shape.blocks(); block++) {
        byte[] body = new byte[shape.blockBytes(block)];
        index.copyBlock(shape, block, MemorySegment.ofArray(body));
        System.arraycopy(body, 0, image, headBytes + block * BLOCK_BYTES, body.length);
      }
      sum(image, headBytes);
      return image;
    }
  }
}

package dev.kvstore.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class HashIndexImageTest {
  private static final int KEYS = 200_000;

  // ---- Entries

  @Test
  void anIndexOfImportedEntriesEqualsTheExportedOne() {
    try (var index = new HashIndex();
        var copy = new HashIndex();
        var arena = Arena.ofShared()) {
      for (int key = 1; key <= KEYS; key++) index.insert(Keys.mixed(key), Keys.address(key, 7));
      // Shards one after another, not aligned, as in a file.
      long[] offsets = new long[HashIndex.SHARDS + 1];
      MemorySegment image = arena.allocate(3 + KEYS * 8L, 1);
      offsets[0] = 3;
      for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
        int count = index.exportShard(shard, image, offsets[shard]);
        assertThat(count).isEqualTo(index.shardSize(shard));
        offsets[shard + 1] = offsets[shard] + count * 8L;
      }
      assertThat(offsets[HashIndex.SHARDS]).isEqualTo(image.byteSize());

      IntStream.range(0, HashIndex.SHARDS)
          .parallel()
          .forEach(shard -> {
            int count = (int) (offsets[shard + 1] - offsets[shard]) / 8;
            copy.importShard(shard, image, offsets[shard], count);
          });
      assertHolds(copy, 1, KEYS);
      assertThat(copy.bytes()).isLessThanOrEqualTo(index.bytes() + (1 << 20));
    }
  }

  @Test
  void aWordIsWindowThenAddress() {
    try (var index = new HashIndex()) {
      index.insert(Keys.hash(3, 0xABCDEF), 0x12_3456_789AL);
      byte[] image = new byte[9];
      assertThat(index.exportShard(3, MemorySegment.ofArray(image), 1)).isEqualTo(1);
      long word = MemorySegment.ofArray(image).get(ValueLayout.JAVA_LONG_UNALIGNED, 1);
      assertThat(word).isEqualTo(0xABCDEF12_3456789AL);
    }
  }

  @Test
  void anImageWithAnAddressOfZeroFillsNothing() {
    for (long wrong : new long[] {0, 0xABCDEFL << 40}) {
      try (var index = new HashIndex()) {
        MemorySegment image = MemorySegment.ofArray(new long[] {1L << 40 | 1, wrong});
        assertThatThrownBy(() -> index.importShard(9, image, 0, 2))
            .isInstanceOf(IllegalArgumentException.class);
        assertThat(index.size()).isZero();
      }
    }
  }

  @Test
  void aShardWithEntriesIsNotImportedInto() {
    try (var index = new HashIndex()) {
      index.insert(Keys.hash(9, 1), 1);
      MemorySegment image = MemorySegment.ofArray(new long[] {1L << 40 | 2});
      assertThatThrownBy(() -> index.importShard(9, image, 0, 1))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(index.size()).isEqualTo(1);
    }
  }

  @Test
  void aTargetOrSourceThatIsTooShortIsRefused() {
    try (var index = new HashIndex()) {
      index.insert(Keys.hash(9, 1), 1);
      MemorySegment seven = MemorySegment.ofArray(new byte[7]);
      assertThatThrownBy(() -> index.exportShard(9, seven, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> index.importShard(8, seven, 0, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  // ---- Blocks

  @Test
  void anIndexOfCopiedBlocksEqualsTheOneTheyCameFrom() {
    for (int keys : new int[] {0, 1, 2, 1000, KEYS}) {
      try (var index = new HashIndex();
          var copy = new HashIndex()) {
        for (int key = 1; key <= keys; key++) index.insert(Keys.mixed(key), Keys.address(key, 7));
        copy(index, copy);
        assertHolds(copy, 1, keys);
        assertThat(copy.bytes()).isLessThanOrEqualTo(index.bytes() + (64 << 10));
        assertThat(addressesOf(copy)).isEqualTo(addressesOf(index));
      }
    }
  }

  @Test
  void pagesThatWereMovedAndTrimmedComeInTheOrderOfTheirTables() {
    try (var index = new HashIndex();
        var copy = new HashIndex()) {
      // Grown in turns, so that the pages of a table are not neighbours; then shrunk, so that some
      // move
      // out of the chunks that go.
      for (int key = 1; key <= 3 * KEYS; key++) {
        index.insert(Keys.mixed(key), Keys.address(key, 7));
      }
      for (int key = KEYS; key <= 3 * KEYS; key++) {
        assertThat(index.remove(Keys.mixed(key), Keys.address(key, 7))).isTrue();
      }
      copy(index, copy);
      assertHolds(copy, 1, KEYS - 1);
    }
  }

  @Test
  void anAdoptedIndexGoesOnAsAnyOther() {
    try (var index = new HashIndex();
        var copy = new HashIndex()) {
      for (int key = 1; key <= KEYS; key++) index.insert(Keys.mixed(key), Keys.address(key, 7));
      copy(index, copy);
      for (int key = KEYS + 1; key <= 2 * KEYS; key++) {
        copy.insert(Keys.mixed(key), Keys.address(key, 7));
      }
      assertHolds(copy, 1, 2 * KEYS);
      for (int key = 1; key <= KEYS; key++) {
        assertThat(copy.remove(Keys.mixed(key), Keys.address(key, 7))).isTrue();
      }
      assertHolds(copy, KEYS + 1, 2 * KEYS);
      for (int key = KEYS + 1; key <= 2 * KEYS; key++) {
        assertThat(copy.remove(Keys.mixed(key), Keys.address(key, 7))).isTrue();
      }
      assertThat(copy.size()).isZero();
      assertThat(copy.bytes()).isLessThan(2 << 20);
    }
  }

  @Test
  void blocksThatWereMadeElsewhereAreOwnedWhileOthersChangeThem() throws InterruptedException {
    try (var index = new HashIndex();
        var copy = new HashIndex()) {
      for (int key = 1; key <= KEYS; key++) index.insert(Keys.mixed(key), Keys.address(key, 7));
      ImageShape shape = index.shape();
      var blocks = new ImportedBlocks(shape);
      for (int block = 0; block < shape.blocks(); block++) {
        MemorySegment memory = MemorySegment.ofArray(new long[PageSlab.CHUNK_BYTES / Long.BYTES]);
        index.copyBlock(shape, block, memory.asSlice(0, shape.blockBytes(block)));
        blocks.block(block, arena -> arena.allocate(PageSlab.CHUNK_BYTES, 64).copyFrom(memory));
      }
      assertThat(copy.isMapped()).isFalse();
      copy.adopt(blocks, IllegalStateException::new);
      assertThat(copy.isMapped()).isTrue();
      AtomicBoolean done = new AtomicBoolean();
      Thread owner =
          Thread.ofPlatform()
              .start(() -> {
                while (!done.get()) copy.own(done::get);
              });
      for (int key = KEYS + 1; key <= 2 * KEYS; key++) {
        copy.insert(Keys.mixed(key), Keys.address(key, 7));
      }
      for (int key = 1; key <= KEYS; key++) {
        assertThat(copy.remove(Keys.mixed(key), Keys.address(key, 7))).isTrue();
      }
      done.set(true);
      owner.join();
      assertHolds(copy, KEYS + 1, 2 * KEYS);
    }
  }

  @Test
  void whatWasGivenBackMeanwhileIsNotOwned() {
    try (var index = new HashIndex();
        var copy = new HashIndex()) {
      for (int key = 1; key <= 3 * KEYS; key++) index.insert(Keys.mixed(key), Keys.address(key, 7));
      ImageShape shape = index.shape();
      assertThat(shape.blocks()).isGreaterThan(3);
      var blocks = new ImportedBlocks(shape);
      for (int block = 0; block < shape.blocks(); block++) {
        int number = block;
        blocks.block(
            block,
            arena -> {
              MemorySegment chunk = arena.allocate(PageSlab.CHUNK_BYTES, 64);
              index.copyBlock(shape, number, chunk.asSlice(0, shape.blockBytes(number)));
              return chunk;
            });
      }
      copy.adopt(blocks, IllegalStateException::new);
      for (int key = 1001; key <= 3 * KEYS; key++) {
        assertThat(copy.remove(Keys.mixed(key), Keys.address(key, 7))).isTrue();
      }
      copy.own(() -> false);
      assertThat(copy.isMapped()).isFalse();
      assertHolds(copy, 1, 1000);
      for (int key = 1001; key <= 3 * KEYS; key++) {
        copy.insert(Keys.mixed(key), Keys.address(key, 7));
      }
      assertHolds(copy, 1, 3 * KEYS);
    }
  }

  @Test
  void blocksOfAnotherLengthAreRefused() {
    try (var index = new HashIndex();
        var blocks = new ImportedBlocks(filled(index).shape())) {
      assertThatThrownBy(() -> blocks.block(0, arena -> arena.allocate(4096)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void blocksAreOnlyAdoptedByAnEmptyIndexAndOnlyOnce() {
    try (var index = new HashIndex();
        var copy = new HashIndex();
        var other = new HashIndex();
        var blocks = blocksOf(filled(index))) {
      other.insert(1, 1);
      assertThatThrownBy(() -> other.adopt(blocks, IllegalStateException::new))
          .isInstanceOf(IllegalArgumentException.class);
      copy.adopt(blocks, IllegalStateException::new);
      assertThatThrownBy(() -> copy.adopt(blocks, IllegalStateException::new))
          .isInstanceOf(IllegalArgumentException.class);
      copy.close();
      assertThatThrownBy(() -> copy.adopt(blocks, IllegalStateException::new))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void blocksThatAreNotAdoptedAreFreed() {
    try (var index = new HashIndex()) {
      MemorySegment memory;
      try (var blocks = new ImportedBlocks(filled(index).shape())) {
        memory = blocks.block(0);
      }
      assertThat(memory.scope().isAlive()).isFalse();
    }
  }

  @Test
  void shapesThatNoIndexCanHaveAreRefused() {
    int[] none = new int[HashIndex.SHARDS];
    assertThat(new ImageShape(none, none).blocks()).isZero();
    int[][][] wrong = {
      {{1}, {0}},
      {{-1}, {1}},
      {{0}, {-1}},
      {{410}, {1}},
      {{0}, {1 << 23}},
      {{Integer.MAX_VALUE}, {9}}
    };
    for (int[][] shape : wrong) {
      int[] entries = Arrays.copyOf(shape[0], HashIndex.SHARDS);
      int[] pages = Arrays.copyOf(shape[1], HashIndex.SHARDS);
      assertThatThrownBy(() -> new ImageShape(entries, pages))
          .as(Arrays.deepToString(shape))
          .isInstanceOf(IllegalArgumentException.class);
    }
    int[] large = new int[HashIndex.SHARDS];
    Arrays.fill(large, Table.PAGES_MAX);
    assertThatThrownBy(() -> new ImageShape(none, large))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /// Whoever forges an image with good checksums gets wrong answers, but no endless ones.
  @Test
  void pagesThatLieEndEveryCall() {
    long[] patterns = {-1L, 1L << 40 | 5, 0xABCDEFL << 40};
    for (long pattern : patterns) {
      for (int entries : new int[] {0, 1, 300}) {
        int[] counts = new int[HashIndex.SHARDS];
        int[] pages = new int[HashIndex.SHARDS];
        counts[7] = entries;
        pages[7] = 2;
        try (var index = new HashIndex();
            var blocks = new ImportedBlocks(new ImageShape(counts, pages))) {
          MemorySegment block = blocks.block(0);
          for (long at = 0; at < block.byteSize(); at += 8) {
            block.set(ValueLayout.JAVA_LONG, at, pattern);
          }
          index.adopt(blocks, IllegalStateException::new);
          assertThat(index.find(Keys.hash(7, 3), address -> false)).isEqualTo(HashIndex.NONE);
          for (int key = 1; key <= 2000; key++) {
            index.insert(Keys.hash(7, Keys.mixed(key) & 0xFFFFFF), key);
          }
          index.contains(Keys.hash(7, 1), 99);
          index.remove(Keys.hash(7, pattern >>> 40), (pattern & 0xFFFFFFFFFFL) | 1);
          for (int key = 1; key <= 2000; key++) {
            assertThat(index.remove(Keys.hash(7, Keys.mixed(key) & 0xFFFFFF), key)).isTrue();
          }
          long position = HashIndex.START;
          while (position != HashIndex.END) position = index.collect(position, address -> {});
          for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
            assertThat(index.shardSize(shard))
                .as("shard " + shard)
                .isBetween(0, shard == 7 ? 4096 : 0);
          }
        }
      }
    }
  }

  private static HashIndex filled(HashIndex index) {
    for (int key = 1; key <= 1000; key++) index.insert(Keys.mixed(key), key);
    return index;
  }

  private static void copy(HashIndex index, HashIndex copy) {
    try (var blocks = blocksOf(index)) {
      copy.adopt(blocks, IllegalStateException::new);
    }
  }

  private static ImportedBlocks blocksOf(HashIndex index) {
    ImageShape shape = index.shape();
    assertThat(shape.size()).isEqualTo(index.size());
    var blocks = new ImportedBlocks(shape);
    long bytes = 0;
    for (int block = 0; block < shape.blocks(); block++) {
      MemorySegment memory = blocks.block(block);
      assertThat(memory.byteSize()).isEqualTo(shape.blockBytes(block));
      index.copyBlock(shape, block, memory);
      bytes += memory.byteSize();
    }
    assertThat(bytes).isEqualTo((long) shape.pages() * ImageShape.PAGE_BYTES);
    return blocks;
  }

  private static void assertHolds(HashIndex index, int from, int to) {
    assertThat(index.size()).isEqualTo(to - from + 1);
    for (int key = from; key <= to; key++) {
      long address = index.find(Keys.mixed(key), Keys.is(key));
      if (address != Keys.address(key, 7)) throw new AssertionError("key " + key);
    }
    assertThat(index.find(Keys.mixed(to + 1), Keys.is(to + 1))).isEqualTo(HashIndex.NONE);
  }

  private static Set<Long> addressesOf(HashIndex index) {
    Set<Long> addresses = new HashSet<>();
    long position = HashIndex.START;
    while (position != HashIndex.END) position = index.collect(position, addresses::add);
    return addresses;
  }

  @Test
  void fillingAReservedShardTakesNoMorePages() {
    try (var index = new HashIndex()) {
      index.reserve(4, 10_000);
      long bytes = index.bytes();
      for (int key = 1; key <= 10_000; key++) {
        index.insert(Keys.hash(4, Keys.mixed(key) & 0xFFFFFF), key);
      }
      assertThat(index.bytes()).isEqualTo(bytes);
    }
  }
}

package dev.kvstore.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HashIndexImageTest {
  private static final int KEYS = 200_000;

  @Test
  void anImportedIndexEqualsTheExportedOne() {
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
            copy.reserve(shard, count);
            copy.importShard(shard, image, offsets[shard], count);
          });
      assertThat(copy.size()).isEqualTo(KEYS);
      for (int key = 1; key <= KEYS; key++) {
        long address = copy.find(Keys.mixed(key), Keys.is(key));
        if (address != Keys.address(key, 7)) throw new AssertionError("key " + key);
      }
      assertThat(copy.bytes()).isLessThanOrEqualTo(index.bytes() + (1 << 20));
    }
  }

  @Test
  void aWordIsWindowThenAddressLittleEndian() {
    try (var index = new HashIndex()) {
      index.insert(Keys.hash(3, 0xABCDEF), 0x12_3456_789AL);
      byte[] image = new byte[9];
      assertThat(index.exportShard(3, MemorySegment.ofArray(image), 1)).isEqualTo(1);
      long word = ByteBuffer.wrap(image, 1, 8).order(ByteOrder.LITTLE_ENDIAN).getLong();
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

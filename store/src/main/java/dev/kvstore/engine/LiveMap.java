package dev.kvstore.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Which stretches of a segment are to be copied, and where each byte of them will be: one bit for
/// each 8 bytes, which is what records are measured in.
///
/// Copies keep the order of the log and leave no room between them, so a record moves to where the
/// bytes end that are copied before it. That is a count of bits, kept for each 128 of them: smaller
/// than a table of old and new places, and no slower.
///
/// - Threads: one at a time.
/// - Lifecycle: [#mark] any number of times, [#count] once, then the rest.
/// - Memory, in the arena it is given: a fiftieth of the segment's bytes.
final class LiveMap {
  private static final int PAIR_BITS = 2 * Long.SIZE;
  private static final int PAIR_SHIFT = Integer.numberOfTrailingZeros(PAIR_BITS);
  private static final int UNIT_SHIFT = 3;
  private static final int WORD_SHIFT = 6;

  private final long units;
  private final long pairs; // of words
  private final MemorySegment words;
  private final MemorySegment before; // by pair: marked units in all pairs before it

  /// @param bytes of the segment
  LiveMap(Arena arena, long bytes) {
    this.units = bytes >>> UNIT_SHIFT;
    this.pairs = (units + PAIR_BITS - 1) / PAIR_BITS;
    this.words = arena.allocate(pairs * 2 * Long.BYTES, 2L * Long.BYTES);
    this.before = arena.allocate(pairs * Integer.BYTES, Integer.BYTES);
  }

  /// Marks the bytes of a record.
  void mark(long offset, long bytes) {
    long from = offset >>> UNIT_SHIFT;
    long last = from + (bytes >>> UNIT_SHIFT) - 1;
    long first = -1L << from; // a shift by the low 6 bits
    long end = -1L >>> (Long.SIZE - 1 - last);
    long word = from >>> WORD_SHIFT;
    long lastWord = last >>> WORD_SHIFT;
    if (word == lastWord) {
      set(word, word(word) | (first & end));
      return;
    }
    set(word, word(word) | first);
    for (word++; word < lastWord; word++) {
      set(word, -1L);
    }
    set(lastWord, word(lastWord) | end);
  }

  /// Takes all marks away.
  void clear() {
    words.fill((byte) 0);
  }

  /// Counts what has been marked.
  ///
  /// @return bytes
  long count() {
    int total = 0;
    for (long pair = 0; pair < pairs; pair++) {
      before.setAtIndex(ValueLayout.JAVA_INT, pair, total);
      total += Long.bitCount(word(2 * pair)) + Long.bitCount(word(2 * pair + 1));
    }
    return (long) total << UNIT_SHIFT;
  }

  /// Turns offsets into how many bytes are copied from before them. In one go for many, without a branch,
  /// so that the waits for memory overlap.
  void toBytesBefore(long[] offsets, int size) {
    for (int i = 0; i < size; i++) {
      long unit = offsets[i] >>> UNIT_SHIFT;
      long pair = unit >>> PAIR_SHIFT;
      long below = (1L << unit) - 1; // a shift by the low 6 bits
      long inSecond = -(unit >>> WORD_SHIFT & 1);
      int marked =
          before.getAtIndex(ValueLayout.JAVA_INT, pair)
              + Long.bitCount(word(2 * pair) & (below | inSecond))
              + Long.bitCount(word(2 * pair + 1) & below & inSecond);
      offsets[i] = (long) marked << UNIT_SHIFT;
    }
  }

  /// Where the first byte is that is to be copied, from an offset on; the end if there is none.
  long nextLive(long offset) {
    return next(offset, 0);
  }

  /// Where the stretch that is to be copied ends, which this offset is in.
  long nextDead(long offset) {
    return next(offset, -1L);
  }

  /// The first unit from an offset on whose bit is not that of all others in `flip`.
  private long next(long offset, long flip) {
    long unit = offset >>> UNIT_SHIFT;
    if (unit >= units) {
      return units << UNIT_SHIFT;
    }
    long word = unit >>> WORD_SHIFT;
    long bits = (word(word) ^ flip) & -1L << unit;
    long end = words.byteSize() / Long.BYTES;
    while (bits == 0 && ++word < end) {
      bits = word(word) ^ flip;
    }
    long found = (word << WORD_SHIFT) + Long.numberOfTrailingZeros(bits);
    return (bits == 0 ? units : Math.min(units, found)) << UNIT_SHIFT;
  }

  private long word(long index) {
    return words.getAtIndex(ValueLayout.JAVA_LONG, index);
  }

  private void set(long index, long word) {
    words.setAtIndex(ValueLayout.JAVA_LONG, index, word);
  }
}

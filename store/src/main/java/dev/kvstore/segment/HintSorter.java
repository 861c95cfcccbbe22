package dev.kvstore.segment;

import static dev.kvstore.segment.HintEntries.ENTRY_BYTES;
import static dev.kvstore.segment.HintEntries.hash;
import static dev.kvstore.segment.HintEntries.rest;
import static dev.kvstore.segment.HintEntries.sequence;
import static dev.kvstore.segment.HintEntries.writeWords;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/// Sorts hint entries by hash, in place: by the highest bits in which they differ, then each part by
/// the next ones (McIlroy, Bostic, McIlroy, "Engineering Radix Sort", 1993: the American flag sort),
/// the smallest parts by insertion.
///
/// The time is linear in the number of entries whatever the hashes are: each step uses up bits, and
/// entries whose hashes are all equal, as those of a key that is written again and again, are not
/// touched. It is short while the entries fit the cache, since every move waits for the one before.
///
/// One thread at a time; keep and reuse.
final class HintSorter {
  private static final int INSERTION_MAX = 24;
  private static final int BITS_LEAST = 4;
  private static final int BITS_MOST = 11;

  /// A step uses up 4 bits or all that are left.
  private static final int DEPTH_MAX = Long.SIZE / BITS_LEAST + 1;

  // By depth: where the next entry of a part goes, and where the part ends.
  private final int[][] next = new int[DEPTH_MAX][];
  private final int[][] end = new int[DEPTH_MAX][];

  void sort(MemorySegment entries) {
    sort(entries, 0, Math.toIntExact(entries.byteSize() / ENTRY_BYTES), 0);
  }

  private void sort(MemorySegment entries, int from, int to, int depth) {
    if (to - from <= INSERTION_MAX) {
      insert(entries, from, to);
      return;
    }
    int differing = differingBits(entries, from, to);
    if (differing == 0) {
      return;
    }
    int few = Integer.SIZE - Integer.numberOfLeadingZeros(to - from) - 2; // 2 to 4 in each part
    int bits = Math.min(differing, Math.clamp(few, BITS_LEAST, BITS_MOST));
    int shift = differing - bits;
    int parts = 1 << bits;
    int[] nexts = words(next, depth);
    int[] ends = words(end, depth);
    count(entries, from, to, shift, parts, nexts, ends);
    distribute(entries, shift, parts, nexts, ends);
    if (shift == 0) {
      return;
    }
    int begin = from;
    for (int part = 0; part < parts; part++) {
      if (ends[part] - begin > 1) {
        sort(entries, begin, ends[part], depth + 1);
      }
      begin = ends[part];
    }
  }

  private static int[] words(int[][] byDepth, int depth) {
    int[] words = byDepth[depth];
    if (words == null) {
      words = new int[1 << BITS_MOST];
      byDepth[depth] = words;
    }
    return Objects.requireNonNull(words);
  }

  /// How many low bits there are up to the highest one that is not the same in all hashes.
  private static int differingBits(MemorySegment entries, int from, int to) {
    long first = hash(entries, (long) from * ENTRY_BYTES);
    long different = 0;
    for (int i = from + 1; i < to; i++) {
      different |= hash(entries, (long) i * ENTRY_BYTES) ^ first;
    }
    return Long.SIZE - Long.numberOfLeadingZeros(different);
  }

  private static void count(
      MemorySegment entries, int from, int to, int shift, int parts, int[] next, int[] end) {
    Arrays.fill(end, 0, parts, 0);
    for (int i = from; i < to; i++) {
      end[(int) (hash(entries, (long) i * ENTRY_BYTES) >>> shift) & parts - 1]++;
    }
    int at = from;
    for (int part = 0; part < parts; part++) {
      next[part] = at;
      at += end[part];
      end[part] = at;
    }
  }

  /// Swaps each entry to the part where it belongs, until there is one that belongs where it came from.
  private static void distribute(
      MemorySegment entries, int shift, int parts, int[] next, int[] end) {
    for (int part = 0; part < parts; part++) {
      for (; next[part] < end[part]; next[part]++) {
        long at = (long) next[part] * ENTRY_BYTES;
        long hash = hash(entries, at);
        int to = (int) (hash >>> shift) & parts - 1;
        if (to == part) {
          continue;
        }
        long sequence = sequence(entries, at);
        long rest = rest(entries, at);
        do {
          long there = (long) next[to]++ * ENTRY_BYTES;
          long nextHash = hash(entries, there);
          long nextSequence = sequence(entries, there);
          long nextRest = rest(entries, there);
          writeWords(entries, there, hash, sequence, rest);
          hash = nextHash;
          sequence = nextSequence;
          rest = nextRest;
          to = (int) (hash >>> shift) & parts - 1;
        } while (to != part);
        writeWords(entries, at, hash, sequence, rest);
      }
    }
  }

  private static void insert(MemorySegment entries, int from, int to) {
    long begin = (long) from * ENTRY_BYTES;
    for (int i = from + 1; i < to; i++) {
      long at = (long) i * ENTRY_BYTES;
      long hash = hash(entries, at);
      if (Long.compareUnsigned(hash(entries, at - ENTRY_BYTES), hash) <= 0) {
        continue;
      }
      long sequence = sequence(entries, at);
      long rest = rest(entries, at);
      do {
        long before = at - ENTRY_BYTES;
        writeWords(
            entries, at, hash(entries, before), sequence(entries, before), rest(entries, before));
        at = before;
      } while (at > begin && Long.compareUnsigned(hash(entries, at - ENTRY_BYTES), hash) > 0);
      writeWords(entries, at, hash, sequence, rest);
    }
  }
}

package dev.kvstore.testkit;

import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SegmentFormat;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/// An append to a segment that was under way when the process died. Records are stored through a mapping,
/// which makes no call, so nobody is told: this looks at a segment before and after, and at what lies
/// between, in words of 8 bytes.
///
/// @param file the segment
/// @param offset of the first record
/// @param records how many there are
/// @param inBatch whether one of them is followed by more of its batch
public record TornAppend(
    String file, int offset, int records, boolean inBatch, byte[] before, byte[] after) {
  private static final int HEADER_WORDS = RecordFormat.HEADER_BYTES / Long.BYTES;

  /// What was appended between two moments; empty if no segment was stored to, or more than one.
  public static Optional<TornAppend> between(DiskImage earlier, DiskImage later) {
    Map<String, byte[]> were = earlier.files();
    List<TornAppend> found = new ArrayList<>();
    later
        .files()
        .forEach((name, after) -> {
          byte[] before = were.get(name);
          if (before != null
              && before.length == after.length
              && SegmentFormat.segmentIdOf(name).isPresent()
              && !Arrays.equals(before, after)) {
            found.add(of(name, before, after));
          }
        });
    return found.size() == 1 ? Optional.of(found.getFirst()) : Optional.empty();
  }

  private static TornAppend of(String file, byte[] before, byte[] after) {
    int offset = Arrays.mismatch(before, after) & -Long.BYTES;
    MemorySegment log = MemorySegment.ofArray(after);
    int records = 0;
    boolean inBatch = false;
    for (long at = offset; isRecord(log, at); at += RecordFormat.recordBytes(log, at)) {
      records++;
      inBatch |= RecordFormat.batchLeft(log, at) > 0;
    }
    return new TornAppend(file, offset, records, inBatch, before, after);
  }

  private static boolean isRecord(MemorySegment log, long at) {
    return RecordFormat.problem(log, at, log.byteSize()) == null;
  }

  /// The segment with so many of the stores, at random, in the order in which the engine makes them: of
  /// each record first the body, then the header.
  public byte[] stopped(RandomGenerator random) {
    List<Integer> words = words();
    return with(words.subList(0, random.nextInt(words.size())));
  }

  /// The segment up to some word.
  public byte[] cut(RandomGenerator random) {
    List<Integer> words = words().stream().sorted().toList();
    return with(words.subList(0, random.nextInt(words.size())));
  }

  /// The segment with any of the words, as a compiler that changes the order of stores may have it.
  public byte[] scattered(RandomGenerator random) {
    return with(words().stream().filter(word -> random.nextBoolean()).toList());
  }

  private byte[] with(List<Integer> words) {
    byte[] torn = before.clone();
    for (int word : words) {
      System.arraycopy(after, word * Long.BYTES, torn, word * Long.BYTES, Long.BYTES);
    }
    return torn;
  }

  /// The words that were stored, in order; behind those of the records come others that have changed.
  private List<Integer> words() {
    List<Integer> words = new ArrayList<>();
    MemorySegment log = MemorySegment.ofArray(after);
    int at = offset;
    for (int record = 0; record < records; record++) {
      int first = at / Long.BYTES;
      at += (int) RecordFormat.recordBytes(log, at);
      for (int word = first + HEADER_WORDS; word < at / Long.BYTES; word++) {
        words.add(word);
      }
      for (int word = first; word < first + HEADER_WORDS; word++) {
        words.add(word);
      }
    }
    for (int word = at / Long.BYTES; word < after.length / Long.BYTES; word++) {
      int from = word * Long.BYTES;
      if (Arrays.mismatch(before, from, from + Long.BYTES, after, from, from + Long.BYTES) >= 0) {
        words.add(word);
      }
    }
    return words;
  }
}

package dev.kvstore.segment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.Encoding;
import dev.kvstore.io.Access;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.io.Preallocation;
import dev.kvstore.segment.StretchScanner.Found;
import dev.kvstore.segment.StretchScanner.Stretch;
import dev.kvstore.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Stretches of a segment, read one by one, give what a walk over all of it gives, wherever they are cut.
@Timeout(120)
class StretchScannerTest {
  private static final StoreId STORE = new StoreId(1, 2);
  private static final KeyHasher HASHER = new KeyHasher(STORE);

  @TempDir private Path temporary;
  private DiskDirectory directory;
  private SegmentWriter writer;
  private long sequence;

  @BeforeEach
  void create() {
    directory = DiskDirectory.open(temporary, Access.WRITE, false);
  }

  @AfterEach
  void close() {
    if (writer != null) {
      writer.abandon();
      writer.segment().retire();
    }
    directory.close();
  }

  private Segment segment(long capacity) {
    writer = SegmentWriter.create(directory, STORE, 7, capacity, 0, Preallocation.FORCED_RARELY);
    return writer.segment();
  }

  private record Entry(long hash, long sequence, long offset, long bytes, boolean delete) {}

  private static final class Entries extends ArrayList<Entry> implements StretchScanner.RecordSink {
    private static final long serialVersionUID = 1L;

    @Override
    public void add(long hash, long seq, long offset, long recordBytes, boolean delete) {
      add(new Entry(hash, seq, offset, recordBytes, delete));
    }
  }

  private long put(int keySize, int valueSize, int batchLeft) {
    byte[] key = new byte[keySize];
    for (int i = 0; i < keySize; i++) {
      key[i] = (byte) (sequence >>> i % 8 * 8);
    }
    RecordChecksum checksum = new RecordChecksum();
    byte[] value = new byte[valueSize];
    checksum.startBody(key, value);
    return writer.append(
        RecordFormat.PUT, Encoding.BYTES, key, value, batchLeft, ++sequence, 0, checksum);
  }

  private void delete(int keySize) {
    byte[] key = new byte[keySize];
    RecordChecksum checksum = new RecordChecksum();
    checksum.startBody(key, new byte[0]);
    writer.append(
        RecordFormat.DELETE, Encoding.BYTES, key, new byte[0], 0, ++sequence, 0, checksum);
  }

  private void fill(SplittableRandom random, int writes, int valueMost) {
    for (int i = 0; i < writes; i++) {
      switch (random.nextInt(8)) {
        case 0 -> writer.appendMark(sequence, 0, new RecordChecksum());
        case 1 -> delete(1 + random.nextInt(30));
        case 2 -> {
          for (int left = random.nextInt(6); left >= 0; left--) {
            put(1 + random.nextInt(20), random.nextInt(valueMost), left);
          }
        }
        default -> put(1 + random.nextInt(40), random.nextInt(valueMost), 0);
      }
    }
  }

  private static Entries walk(Segment segment) {
    Entries entries = new Entries();
    byte[] key = new byte[0xFFFF];
    SegmentScanner scanner = new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.end());
    while (scanner.next()) {
      if (scanner.kind() == RecordFormat.PUT || scanner.kind() == RecordFormat.DELETE) {
        entries.add(
            HASHER.hash(key, 0, scanner.copyKey(key)),
            scanner.sequence(),
            scanner.offset(),
            scanner.recordBytes(),
            scanner.kind() == RecordFormat.DELETE);
      }
    }
    assertThat(scanner.problem()).isNull();
    return entries;
  }

  /// Reads all stretches of so many bytes, and expects that each begins where the one before has ended.
  private Entries readStretches(Segment segment, long bytes, boolean isLog) {
    StretchScanner scanner = new StretchScanner(HASHER);
    SegmentTally tally = new SegmentTally();
    Entries all = new Entries();
    long limit = segment.end();
    long position = SegmentFormat.HEADER_BYTES;
    long lastBegin = -1;
    try (SegmentBytes source = SegmentBytes.ofFile(directory, segment)) {
      for (long from = position; from < limit; from = (from / bytes + 1) * bytes) {
        long to = Math.min(limit, (from / bytes + 1) * bytes);
        boolean first = from == SegmentFormat.HEADER_BYTES;
        Entries entries = new Entries();
        Found found =
            scanner.scan(new Stretch(segment, from, first, to, limit, isLog), source, entries);
        if (lastBegin >= to || position == limit) {
          continue; // the stretch before went over all of this one
        }
        assertThat(found.from()).as("stretch from " + from).isEqualTo(position);
        assertThat(found.isComplete()).isTrue();
        position = found.end();
        lastBegin = found.lastBegin();
        all.addAll(entries.subList(0, (int) found.entries()));
        if (isLog) {
          tally.add(found);
        }
      }
    }
    assertThat(position).isEqualTo(limit);
    if (isLog) {
      assertThat(tally.summary()).isEqualTo(SegmentSealer.Summary.of(segment));
    }
    return all;
  }

  @Test
  void stretchesOfAnyLengthGiveAllRecordsOnce() {
    Seed.fresh(random -> {
      Segment segment = segment(1 << 20);
      fill(random, 600, 900);
      Entries expected = walk(segment);
      for (long bytes : new long[] {8, 40, 64, 104, 512, 1000, 4096, 65536, 1 << 20}) {
        assertThat(readStretches(segment, bytes & -8, true)).isEqualTo(expected);
        assertThat(readStretches(segment, bytes & -8, false)).isEqualTo(expected);
      }
      close();
      writer = null;
      create();
    });
  }

  @Test
  void recordsLargerThanTheBufferAndThanAStretchAreRead() {
    Segment segment = segment(8 << 20);
    put(10, 100, 0);
    put(65_535, 2_000_000, 0);
    put(10, 100, 0);
    put(5, 262_144 - 32 - 5, 0);
    put(5, 262_144 - 32 - 5 + 1, 0);
    put(65_535, 262_144, 1);
    put(65_535, 700_000, 0);
    delete(65_535);
    for (long bytes : new long[] {4096, 65536, 300_000, 1 << 20, 8 << 20}) {
      assertThat(readStretches(segment, bytes & -8, true)).isEqualTo(walk(segment));
    }
  }

  @Test
  void whatIsNotARecordEndsTheStretchBehindTheLastWholeWrite() {
    Segment segment = segment(1 << 16);
    for (int i = 0; i < 20; i++) {
      put(8, 50, 0);
    }
    long batch = segment.end();
    put(8, 50, 2);
    long damaged = put(8, 50, 1);
    put(8, 50, 0);
    put(8, 50, 0);
    for (int at = 0; at < 90; at++) {
      byte before = segment.memory().get(java.lang.foreign.ValueLayout.JAVA_BYTE, damaged + at);
      segment
          .memory()
          .set(java.lang.foreign.ValueLayout.JAVA_BYTE, damaged + at, (byte) (before ^ 0x10));
      Found found = read(segment, true);
      assertThat(found.end()).as("byte " + at).isEqualTo(batch);
      assertThat(found.entries()).isEqualTo(20);
      assertThat(found.lastSequence()).isEqualTo(20);
      assertThat(found.isComplete()).isFalse();
      segment.memory().set(java.lang.foreign.ValueLayout.JAVA_BYTE, damaged + at, before);
    }
    assertThat(read(segment, true).isComplete()).isTrue();
  }

  @Test
  void aGapAMarkWithinABatchAndASealEndAStretchOfTheLog() {
    Segment segment = segment(1 << 16);
    put(8, 50, 0);
    put(8, 50, 0);
    long gap = segment.end();
    sequence++;
    put(8, 50, 0);
    assertThat(read(segment, true).end()).isEqualTo(gap);
    assertThat(read(segment, false).end()).isEqualTo(segment.end());
    writer.undo(gap);
    sequence = 2;
    put(8, 50, 1);
    writer.appendMark(1, 0, new RecordChecksum());
    assertThat(read(segment, true).end()).isEqualTo(gap);
    writer.undo(gap);
    sequence = 2;
    writer.appendMark(2, 0, new RecordChecksum());
    Found marked = read(segment, true);
    assertThat(marked.end()).isEqualTo(segment.end());
    assertThat(marked.endsWithMark()).isTrue();
    assertThat(marked.markedSequence()).isEqualTo(2);
    long end = segment.end();
    writer.appendSeal(new Seal(2, 1, 2, 0), 0);
    assertThat(read(segment, true).end()).isEqualTo(end);
    assertThat(read(segment, false).end()).isEqualTo(segment.end());
  }

  @Test
  void zerosAreNoRecordsAndAStretchOfThemBeginsNowhere() {
    Segment segment = segment(1 << 16);
    put(8, 50, 0);
    long end = segment.end();
    Entries entries = new Entries();
    try (SegmentBytes source = SegmentBytes.ofFile(directory, segment)) {
      StretchScanner scanner = new StretchScanner(HASHER);
      long limit = segment.memory().byteSize();
      Found first =
          scanner.scan(
              new Stretch(segment, SegmentFormat.HEADER_BYTES, true, 4096, limit, true),
              source,
              entries);
      assertThat(first.end()).isEqualTo(end);
      assertThat(first.isComplete()).isFalse();
      Found second =
          scanner.scan(new Stretch(segment, 4096, false, 8192, limit, true), source, entries);
      assertThat(second.from()).isNegative();
      assertThat(second.isComplete()).isFalse();
    }
    assertThat(entries).hasSize(1);
  }

  @Test
  void theMappingGivesWhatTheFileGives() {
    Segment segment = segment(1 << 20);
    Seed.fixed(5, random -> fill(random, 300, 500));
    List<Entries> both = new ArrayList<>();
    for (SegmentBytes source :
        List.of(SegmentBytes.ofFile(directory, segment), SegmentBytes.ofMapping(segment))) {
      Entries entries = new Entries();
      try (source) {
        new StretchScanner(HASHER).scan(whole(segment, true), source, entries);
      }
      both.add(entries);
    }
    assertThat(both.get(0)).isEqualTo(both.get(1)).isEqualTo(walk(segment));
  }

  private static Stretch whole(Segment segment, boolean isLog) {
    return new Stretch(
        segment, SegmentFormat.HEADER_BYTES, true, segment.end(), segment.end(), isLog);
  }

  private Found read(Segment segment, boolean isLog) {
    try (SegmentBytes source = SegmentBytes.ofFile(directory, segment)) {
      return new StretchScanner(HASHER).scan(whole(segment, isLog), source, new Entries());
    }
  }
}

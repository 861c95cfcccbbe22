package dev.kvstore.fuzz;

import dev.kvstore.fuzz.PlainRecords.Plain;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.SegmentFormat;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// A log of an open segment and, before it or not, a sealed one without a hint.
///
/// @param sealed its file; null if there is none
/// @param open its file
record TwoSegments(byte @Nullable [] sealed, byte[] open) {
  static final long SEALED = 1;
  static final long OPEN = 2;
  static final PlainRecords SEALED_RECORDS = new PlainRecords(Stores.ID, SEALED);
  static final PlainRecords OPEN_RECORDS = new PlainRecords(Stores.ID, OPEN);

  /// Makes one by what an input says.
  ///
  /// @param shape bit 0: with a sealed segment, of so many steps as bits 4 to 7 say; bit 1: zeros behind
  ///     the end; else bit 2: cut at any length
  static TwoSegments make(int shape, Feed feed) {
    byte[] sealed = null;
    long last = 0;
    if ((shape & 1) != 0) {
      sealed = new LogMaker(SEALED_RECORDS, 0, false, feed).makeSealed(shape >>> 4);
      last = summary(sealed).maxSequence();
    }
    byte[] open = new LogMaker(OPEN_RECORDS, last, true, feed).make();
    if ((shape & 2) != 0) {
      open = Arrays.copyOf(open, open.length + 512);
    } else if ((shape & 4) != 0) {
      int body = open.length - PlainRecords.SEGMENT_HEADER_BYTES;
      open = Arrays.copyOf(open, open.length - Math.min(body, feed.next()));
    }
    return new TwoSegments(sealed, open);
  }

  Replay replay() {
    return Replay.of(SEALED_RECORDS, sealed, OPEN_RECORDS, open);
  }

  /// All files of a store that has this log and nothing else.
  Map<String, byte[]> files() {
    Map<String, byte[]> files = new TreeMap<>();
    files.put(SegmentFormat.segmentName(OPEN), open);
    List<SealedSegment> listed = List.of();
    if (sealed != null) {
      files.put(SegmentFormat.segmentName(SEALED), sealed);
      listed = List.of(summary(sealed));
    }
    MemoryDirectory directory = new MemoryDirectory(files);
    long last = listed.isEmpty() ? 0 : listed.getFirst().maxSequence();
    new Manifest(Stores.ID, 1, OPEN + 1, last, Optional.empty(), listed, List.of(OPEN))
        .replaceIn(directory);
    return directory.contents();
  }

  /// Hands over all records that a reader finds, with the name of their file.
  void eachRecord(BiConsumer<String, Plain> taker) {
    if (sealed != null) {
      SEALED_RECORDS
          .from(sealed, PlainRecords.SEGMENT_HEADER_BYTES)
          .forEach(record -> taker.accept(SegmentFormat.segmentName(SEALED), record));
    }
    OPEN_RECORDS
        .from(open, PlainRecords.SEGMENT_HEADER_BYTES)
        .forEach(record -> taker.accept(SegmentFormat.segmentName(OPEN), record));
  }

  private static SealedSegment summary(byte[] sealed) {
    long records = 0;
    long tombstoneBytes = 0;
    long least = Long.MAX_VALUE;
    long most = 0;
    for (Plain record : SEALED_RECORDS.from(sealed, PlainRecords.SEGMENT_HEADER_BYTES)) {
      if (record.isEntry()) {
        records++;
        least = Math.min(least, record.sequence());
        most = Math.max(most, record.sequence());
        tombstoneBytes += record.kind() == PlainRecords.DELETE ? record.end() - record.offset() : 0;
      }
    }
    int checksum = PlainRecords.numbers(sealed).getInt(sealed.length - 56);
    return new SealedSegment(SEALED, sealed.length, records, tombstoneBytes, least, most, checksum);
  }
}

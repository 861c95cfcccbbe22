package dev.kvstore.segment;

import dev.kvstore.KvStore;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.io.Directory;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/// Ends a segment: SEAL record, force, cut, read-only mapping, hint file.
///
/// One thread at a time for one segment; nobody appends to it any more. A crash at any step leaves a
/// segment that recovery reads to its last whole record, with or without the seal.
public final class SegmentSealer {
  /// From which the number of records is guessed before they are counted.
  private static final int USUAL_RECORD_BYTES = 128;

  private final Directory directory;
  private final StoreId store;
  private final KeyHasher hasher;

  public SegmentSealer(Directory directory, StoreId store, KeyHasher hasher) {
    this.directory = directory;
    this.store = store;
    this.hasher = hasher;
  }

  /// Seals what the writer has written, or tells how it was sealed before. On return it is durable and
  /// read-only; it becomes a sealed segment of the store by the manifest that lists it, and
  /// [Segment#markSealed] is for the caller to call then. A hint file that does not fit on the disk, or
  /// whose entries do not fit into memory, is done without.
  ///
  /// @param hinted whether to write a hint file
  public SealedSegment seal(SegmentWriter writer, long timestampMillis, boolean hinted) {
    SealedSegment before = writer.sealed();
    if (before != null) {
      return before;
    }
    Segment segment = writer.segment();
    if (!hinted) {
      return seal(writer, Summary.of(segment), timestampMillis);
    }
    HintBuilder hint = null;
    Summary summary;
    try {
      hint = new HintBuilder(segment.end() / USUAL_RECORD_BYTES);
      summary = Summary.of(segment, hasher, hint);
    } catch (OutOfMemoryError e) {
      if (hint != null) {
        hint.close();
        hint = null;
      }
      summary = Summary.of(segment);
    }
    try {
      SealedSegment sealed = seal(writer, summary, timestampMillis);
      if (hint != null) {
        writeHint(sealed, hint);
      }
      return sealed;
    } finally {
      if (hint != null) {
        hint.close();
      }
    }
  }

  /// Seals what the writer has written as above, but for the hint file.
  ///
  /// @param summary what its records add up to
  public SealedSegment seal(SegmentWriter writer, Summary summary, long timestampMillis) {
    Segment segment = writer.segment();
    // Forced before the seal, because a seal vouches for everything before it.
    writer.force();
    long sealOffset = segment.end();
    writer.appendSeal(summary.seal(), timestampMillis);
    int sealChecksum = RecordFormat.checksum(segment.memory(), sealOffset);
    try {
      writer.cutAndClose();
    } catch (StoreIoException e) {
      if (e.isNoSpace()) {
        writer.undo(sealOffset); // it is sealed again when there is space
      }
      throw e;
    }
    SealedSegment sealed =
        new SealedSegment(
            segment.id(),
            segment.end(),
            summary.seal().records(),
            summary.tombstoneBytes(),
            summary.seal().minSequence(),
            summary.seal().maxSequence(),
            sealChecksum);
    writer.markSealed(sealed);
    return sealed;
  }

  /// Whether a segment holds anything but marks; one that does not need not be kept. What does not
  /// verify counts as something.
  public static boolean hasRecords(Segment segment) {
    SegmentScanner scanner = new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.end());
    while (scanner.next()) {
      if (scanner.kind() == RecordFormat.PUT || scanner.kind() == RecordFormat.DELETE) {
        return true;
      }
    }
    return scanner.problem() != null;
  }

  /// Writes the hint file of a sealed segment from its records, if there is space for it.
  ///
  /// @throws StoreCorruptionException if a record does not verify or does not count; there is no hint
  ///     file then
  public void writeHint(Segment segment, SealedSegment sealed) {
    try (HintBuilder hint = new HintBuilder(sealed.records())) {
      Summary.of(segment, hasher, hint);
      if (hint.count() != sealed.records()) {
        throw new StoreCorruptionException(
            segment.name(),
            sealed.bytes(),
            hint.count() + " records, it was sealed with " + sealed.records());
      }
      writeHint(sealed, hint);
    }
  }

  /// Writes the hint file of a sealed segment from these entries, if there is space for it.
  public void writeHint(SealedSegment sealed, HintBuilder entries) {
    try (HintWriter writer = HintWriter.create(directory, store, sealed)) {
      entries.forEachRun(writer::write);
      writer.finish();
    } catch (StoreIoException | OutOfMemoryError e) { // it only saves time
      noHint(sealed, e);
    }
  }

  /// Says in the log that a segment has no hint file.
  public static void noHint(SealedSegment sealed, Throwable e) {
    System.getLogger(SegmentSealer.class.getName())
        .log(
            System.Logger.Level.WARNING,
            "no hint file for {0}, the next open will scan it: {1}",
            SegmentFormat.segmentName(sealed.id()),
            e.getMessage());
  }

  /// What a walk over the records of a segment adds up.
  public record Summary(Seal seal, long tombstoneBytes) {

    /// Walks over all records up to the segment's end and believes none unverified; a seal is not
    /// counted.
    ///
    /// @throws StoreCorruptionException if something does not verify
    public static Summary of(Segment segment) {
      return of(segment, scanner -> {});
    }

    /// As above, and gives the builder an entry for each record.
    public static Summary of(Segment segment, KeyHasher hasher, HintBuilder hint) {
      byte[] key = new byte[KvStore.KEY_BYTES_MAX];
      return of(
          segment,
          scanner ->
              hint.add(
                  hasher.hash(key, 0, scanner.copyKey(key)),
                  scanner.sequence(),
                  scanner.offset(),
                  scanner.recordBytes(),
                  scanner.kind() == RecordFormat.DELETE));
    }

    private static Summary of(Segment segment, Consumer<SegmentScanner> records) {
      MemorySegment log = segment.memory();
      SegmentScanner scanner =
          new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.end());
      SegmentTally tally = new SegmentTally();
      while (scanner.next() && scanner.kind() != RecordFormat.SEAL) {
        int checksum = RecordFormat.checksum(log, scanner.offset());
        if (scanner.kind() == RecordFormat.MARK) {
          tally.mark(checksum);
          continue;
        }
        tally.record(
            checksum,
            scanner.sequence(),
            scanner.recordBytes(),
            scanner.kind() == RecordFormat.DELETE);
        records.accept(scanner);
      }
      String problem = scanner.problem();
      if (problem != null) {
        throw new StoreCorruptionException(segment.name(), scanner.position(), problem);
      }
      return tally.summary();
    }
  }
}

package dev.kvstore.segment;

import dev.kvstore.Damage;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.segment.StretchScanner.Stretch;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/// Checks a sealed segment as its file has it, piece by piece: the header, every record, the seal.
///
/// One thread at a time; keep and reuse. Memory: one buffer, however long the segment and its records are.
public final class SegmentCheck {
  private final StoreId store;
  private final StretchScanner scanner;

  // Where the seal was found, and what it says of itself.
  private long sealAt;
  private int sealChecksum;

  public SegmentCheck(StoreId store, KeyHasher hasher) {
    this.store = store;
    this.scanner = new StretchScanner(hasher);
  }

  /// Reads all of a segment, and tells of each stretch in it that is not what was sealed.
  ///
  /// @param fileBytes length of the file
  public void check(
      Segment segment,
      SealedSegment sealed,
      SegmentBytes file,
      long fileBytes,
      Consumer<Damage> damages) {
    long limit = Math.min(fileBytes, sealed.bytes()) & -8L;
    checkHeader(segment, file, limit, damages);
    SegmentTally tally = new SegmentTally();
    boolean intact =
        limit <= SegmentFormat.HEADER_BYTES || records(segment, file, limit, tally, damages);
    if (limit < sealed.bytes()) {
      damages.accept(
          new Damage(
              segment.name(),
              limit,
              sealed.bytes() - limit,
              "the file has " + fileBytes + " bytes, it was sealed with " + sealed.bytes(),
              List.of()));
    } else if (intact && !isSealedAs(sealed, file, tally)) {
      damages.accept(
          new Damage(
              segment.name(),
              limit - RecordFormat.SEAL_BYTES,
              RecordFormat.SEAL_BYTES,
              "the seal is another one, or counts other records",
              List.of()));
    }
  }

  private void checkHeader(
      Segment segment, SegmentBytes file, long limit, Consumer<Damage> damages) {
    byte[] header = new byte[(int) Math.min(limit, SegmentFormat.HEADER_BYTES)];
    file.read(0, header, 0, header.length);
    try {
      SegmentFormat.checkHeader(MemorySegment.ofArray(header), store, segment.id());
    } catch (StoreCorruptionException e) {
      damages.accept(
          new Damage(
              segment.name(),
              e.offset(),
              SegmentFormat.HEADER_BYTES - e.offset(),
              e.problem(),
              List.of()));
    } catch (StoreVersionException e) {
      damages.accept(
          new Damage(
              segment.name(),
              0,
              SegmentFormat.HEADER_BYTES,
              String.valueOf(e.getMessage()),
              List.of()));
    }
  }

  /// Whether all records verify.
  private boolean records(
      Segment segment,
      SegmentBytes file,
      long limit,
      SegmentTally tally,
      Consumer<Damage> damages) {
    scanner.forget();
    sealAt = -1;
    boolean intact = true;
    Stretch all = new Stretch(segment, SegmentFormat.HEADER_BYTES, true, limit, limit, false);
    for (long at = all.from(); at < limit; ) {
      if (scanner.isRecord(all, file, at)) {
        long next = at + scanner.recordBytes();
        take(at, tally);
        if (!scanner.paddingIsZero(all, file, at)) {
          intact = false;
          damages.accept(damage(segment, at, next, "padding is not zero", List.of()));
        }
        at = next;
        continue;
      }
      intact = false;
      String problem = scanner.problem(all, file, at);
      List<byte[]> keys = scanner.likelyKeys(all, file, at);
      long from = at;
      do {
        at += 8;
      } while (at < limit
          && !(scanner.looksLikeRecord(all, file, at) && scanner.isRecord(all, file, at)));
      damages.accept(damage(segment, from, at, problem, keys));
    }
    return intact;
  }

  private void take(long at, SegmentTally tally) {
    switch (scanner.kind()) {
      case RecordFormat.SEAL -> {
        sealAt = at;
        sealChecksum = scanner.sum();
      }
      case RecordFormat.MARK -> tally.mark(scanner.sum());
      default ->
          tally.record(
              scanner.sum(),
              scanner.sequence(),
              scanner.recordBytes(),
              scanner.kind() == RecordFormat.DELETE);
    }
  }

  private boolean isSealedAs(SealedSegment sealed, SegmentBytes file, SegmentTally tally) {
    if (sealAt != sealed.bytes() - RecordFormat.SEAL_BYTES
        || sealChecksum != sealed.sealChecksum()) {
      return false;
    }
    byte[] wanted = RecordFormat.sealValue(tally.summary().seal());
    byte[] value = new byte[wanted.length];
    file.read(sealAt + RecordFormat.HEADER_BYTES, value, 0, value.length);
    return Arrays.equals(value, wanted);
  }

  private static Damage damage(
      Segment segment, long from, long to, String problem, List<byte[]> keys) {
    return new Damage(segment.name(), from, to - from, problem, keys);
  }
}

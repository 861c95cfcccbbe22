package dev.kvstore.segment;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/// Reads one stretch of a segment, fast, as far as everything is as it should be.
///
/// A segment is cut into stretches so that several threads can read it. Nobody knows where in it
/// records begin, so a stretch that is not the first looks for the first bytes that verify as a record.
/// Whether it was right shows by the stretch before, which must end where this one begins. Both go by
/// one rule: a stretch ends behind the first whole write whose last record begins at or behind
/// [Stretch#to], and the next one begins there.
///
/// What is not as it should be is none of this class's business: it stops there, and [SegmentScanner]
/// goes on from the last whole write before.
///
/// - Threads: one at a time; keep and reuse.
/// - Memory: one buffer, and four bytes for each record of the stretch.
/// - Copies the bytes in pieces that are large enough for the system to read ahead, and sums them where
///   they are.
public final class StretchScanner {
  private static final int BUFFER_BYTES = 256 << 10;
  private static final VarHandle SUM =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  /// Takes the PUT and DELETE records of a stretch in their order.
  public interface RecordSink {
    void add(long hash, long sequence, long offset, long recordBytes, boolean delete);
  }

  private final KeyHasher hasher;
  private final CRC32C crc = new CRC32C();
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private byte[] sums = new byte[4096];

  // What of the file is in the buffer.
  private long bufferFrom;
  private int buffered;

  // The record that was looked at last.
  private int kind;
  private int sum;
  private long recordBytes;
  private long batchLeft;
  private long sequence;
  private long hash; // of its key, if it has one

  public StretchScanner(KeyHasher hasher) {
    this.hasher = hasher;
  }

  /// Reads a stretch, and hands its records over; also those of a write that turns out not to be whole,
  /// so only the first [Found#entries] of them count.
  public Found scan(Stretch stretch, SegmentBytes file, RecordSink sink) {
    buffered = 0;
    Found found = new Found();
    long at = stretch.from();
    if (!stretch.exact()) {
      at = sync(stretch, file, found);
    }
    found.from = at;
    found.end = at;
    if (at == Found.NOWHERE || found.complete) {
      return found;
    }
    read(stretch, file, sink, found);
    return found;
  }

  private void read(Stretch stretch, SegmentBytes file, RecordSink sink, Found found) {
    long at = found.from;
    long records = 0;
    long entries = 0;
    long marked = 0;
    long tombstoneBytes = 0;
    boolean inBatch = false;
    while (isRecord(stretch, file, at)) {
      boolean hasKey = kind == RecordFormat.PUT || kind == RecordFormat.DELETE;
      if (stretch.isLog()) {
        // A gap, a mark within a batch, a seal that the manifest does not know.
        boolean follows =
            hasKey
                ? entries == 0 || sequence == found.lastRead + 1
                : kind == RecordFormat.MARK && !inBatch;
        if (!follows) {
          break;
        }
        putSum(records);
      }
      records++;
      if (hasKey) {
        sink.add(hash, sequence, at, recordBytes, kind == RecordFormat.DELETE);
        found.lastRead = sequence;
        if (entries++ == 0) {
          found.firstSequence = sequence;
        }
        if (kind == RecordFormat.DELETE) {
          tombstoneBytes += recordBytes;
        }
      } else {
        marked = Math.max(marked, sequence);
      }
      inBatch = hasKey && batchLeft > 0;
      long begin = at;
      at += recordBytes;
      if (!inBatch) {
        found.end = at;
        found.lastBegin = begin;
        found.records = records;
        found.entries = entries;
        found.lastSequence = found.lastRead;
        found.markedSequence = marked;
        found.endsWithMark = !hasKey;
        found.tombstoneBytes = tombstoneBytes;
        if (begin >= stretch.to()) {
          break;
        }
      }
    }
    found.sums = sums;
    found.complete = found.lastBegin >= stretch.to() || found.end == stretch.limit();
  }

  private void putSum(long record) {
    int place = Math.toIntExact(record * Integer.BYTES);
    if (place == sums.length) {
      sums = Arrays.copyOf(sums, place * 2);
    }
    SUM.set(sums, place, sum);
  }

  /// Where the first whole write ends whose last record begins in the stretch or behind it, looked for
  /// from the first record that begins in it.
  private long sync(Stretch stretch, SegmentBytes file, Found found) {
    long end = Math.min(stretch.to(), stretch.limit() - RecordFormat.HEADER_BYTES + 1);
    for (long at = stretch.from(); at < end; at += 8) {
      int place = fill(stretch, file, at, RecordFormat.HEADER_BYTES);
      // A cheap look first: almost nothing has such a kind where no record begins.
      int looksLike = RecordFormat.kind(buffer, place);
      if (looksLike < RecordFormat.PUT
          || looksLike > RecordFormat.SEAL
          || !isRecord(stretch, file, at)) {
        continue;
      }
      long begin = at;
      while (batchLeft > 0) {
        begin += recordBytes;
        // A batch that ends behind the stretch is read by the one that it begins in.
        if (begin >= stretch.to() || !isRecord(stretch, file, begin)) {
          return Found.NOWHERE;
        }
      }
      found.lastBegin = begin;
      found.complete = begin >= stretch.to();
      return begin + recordBytes;
    }
    return Found.NOWHERE;
  }

  /// Whether a record begins here, which verifies; if so, what it has is in the fields.
  boolean isRecord(Stretch stretch, SegmentBytes file, long at) {
    long left = stretch.limit() - at;
    if (left < RecordFormat.HEADER_BYTES) {
      return false;
    }
    int place = fill(stretch, file, at, RecordFormat.HEADER_BYTES);
    if (RecordFormat.problem(buffer, place, left) != null) {
      return false;
    }
    int keySize = RecordFormat.keySize(buffer, place);
    long valueSize = RecordFormat.valueSize(buffer, place);
    kind = RecordFormat.kind(buffer, place);
    sum = RecordFormat.checksum(buffer, place);
    recordBytes = RecordFormat.recordBytes(keySize, valueSize);
    batchLeft = RecordFormat.batchLeft(buffer, place);
    sequence = RecordFormat.sequence(buffer, place);
    long bytes = RecordFormat.HEADER_BYTES + keySize + valueSize;
    crc.reset();
    if (bytes <= BUFFER_BYTES) {
      place = fill(stretch, file, at, (int) bytes);
      crc.update(buffer, place + RecordFormat.HEADER_BYTES, keySize + (int) valueSize);
      crc.update(
          buffer,
          place + RecordFormat.SUMMED_FROM,
          RecordFormat.HEADER_BYTES - RecordFormat.SUMMED_FROM);
      hash = hasher.hash(buffer, place + RecordFormat.HEADER_BYTES, keySize);
    } else {
      sumInPieces(stretch, file, at, keySize, bytes);
    }
    return ((int) crc.getValue() ^ RecordFormat.placeMask(stretch.segment().salt(), at)) == sum;
  }

  // ---- One record at a time, for SegmentCheck

  /// What was read before is forgotten: another file comes.
  void forget() {
    buffered = 0;
  }

  /// Why no record begins here, where [#isRecord] says so.
  String problem(Stretch stretch, SegmentBytes file, long at) {
    long left = stretch.limit() - at;
    int place = left < RecordFormat.HEADER_BYTES ? 0 : fillHeader(stretch, file, at);
    String problem = RecordFormat.problem(buffer, place, left);
    return problem == null
        ? "checksum of the record does not verify (key "
            + RecordFormat.keySize(buffer, place)
            + " B, value "
            + RecordFormat.valueSize(buffer, place)
            + " B)"
        : problem;
  }

  /// The key of what looks like a record that does not verify; empty if nothing does.
  List<byte[]> likelyKeys(Stretch stretch, SegmentBytes file, long at) {
    long left = stretch.limit() - at;
    if (left < RecordFormat.HEADER_BYTES) {
      return List.of();
    }
    int place = fillHeader(stretch, file, at);
    int keySize = RecordFormat.keySize(buffer, place);
    if (RecordFormat.problem(buffer, place, left) != null || keySize == 0) {
      return List.of();
    }
    place = fill(stretch, file, at, RecordFormat.HEADER_BYTES + keySize);
    int from = place + RecordFormat.HEADER_BYTES;
    return List.of(Arrays.copyOfRange(buffer, from, from + keySize));
  }

  /// Whether the kind of a record stands here: a cheap look before [#isRecord].
  boolean looksLikeRecord(Stretch stretch, SegmentBytes file, long at) {
    if (stretch.limit() - at < RecordFormat.HEADER_BYTES) {
      return false;
    }
    int looksLike = RecordFormat.kind(buffer, fillHeader(stretch, file, at));
    return looksLike >= RecordFormat.PUT && looksLike <= RecordFormat.SEAL;
  }

  /// Whether what fills the record at this place, which verifies, up to its end is zero.
  boolean paddingIsZero(Stretch stretch, SegmentBytes file, long at) {
    int place = fillHeader(stretch, file, at);
    long bytes =
        RecordFormat.HEADER_BYTES
            + RecordFormat.keySize(buffer, place)
            + RecordFormat.valueSize(buffer, place);
    int padding = (int) (recordBytes - bytes);
    place = padding == 0 ? 0 : fill(stretch, file, at + bytes, padding);
    for (int i = 0; i < padding; i++) {
      if (buffer[place + i] != 0) {
        return false;
      }
    }
    return true;
  }

  private int fillHeader(Stretch stretch, SegmentBytes file, long at) {
    return fill(stretch, file, at, RecordFormat.HEADER_BYTES);
  }

  int kind() {
    return kind;
  }

  int sum() {
    return sum;
  }

  long recordBytes() {
    return recordBytes;
  }

  long sequence() {
    return sequence;
  }

  private void sumInPieces(Stretch stretch, SegmentBytes file, long at, int keySize, long bytes) {
    int place = fill(stretch, file, at, RecordFormat.HEADER_BYTES + keySize);
    hash = hasher.hash(buffer, place + RecordFormat.HEADER_BYTES, keySize);
    byte[] header = Arrays.copyOfRange(buffer, place, place + RecordFormat.HEADER_BYTES);
    for (long done = RecordFormat.HEADER_BYTES; done < bytes; ) {
      int piece = (int) Math.min(bytes - done, BUFFER_BYTES);
      crc.update(buffer, fill(stretch, file, at + done, piece), piece);
      done += piece;
    }
    crc.update(
        header, RecordFormat.SUMMED_FROM, RecordFormat.HEADER_BYTES - RecordFormat.SUMMED_FROM);
  }

  /// Sees to it that these bytes, which are there, are in the buffer, and returns their place in it.
  private int fill(Stretch stretch, SegmentBytes file, long at, int bytes) {
    long place = at - bufferFrom;
    if (place >= 0 && place + bytes <= buffered) {
      return (int) place;
    }
    int kept = place >= 0 && place < buffered ? buffered - (int) place : 0;
    System.arraycopy(buffer, buffered - kept, buffer, 0, kept);
    bufferFrom = at;
    buffered = kept;
    int more = (int) Math.min(BUFFER_BYTES - kept, stretch.limit() - at - kept);
    file.read(at + kept, buffer, kept, more);
    buffered = kept + more;
    return 0;
  }

  /// A part of a segment.
  ///
  /// @param from where it begins; if it is not known to be where a record begins, `exact` is false
  /// @param to behind where it ends, see [StretchScanner]
  /// @param limit where the bytes of the segment end
  /// @param isLog whether sequences must follow each other without a gap, and batches be whole, as in
  ///     segments that are not sealed
  public record Stretch(
      Segment segment, long from, boolean exact, long to, long limit, boolean isLog) {}

  /// What there was in a stretch, up to the last whole write before something was not as it should be.
  public static final class Found {
    /// No record begins in the stretch.
    static final long NOWHERE = -1;

    private long from = NOWHERE;
    private long end = NOWHERE;
    private long lastBegin = NOWHERE;
    private boolean complete;
    private long records;
    private long entries;
    private long firstSequence;
    private long lastSequence;
    private long lastRead;
    private long markedSequence;
    private boolean endsWithMark;
    private long tombstoneBytes;
    private byte[] sums = {};

    /// Where it begins, or a negative number if that could not be told.
    public long from() {
      return from;
    }

    /// Where it ends.
    public long end() {
      return end;
    }

    /// Where the last record before its end begins.
    public long lastBegin() {
      return lastBegin;
    }

    /// Whether it reaches to where the next stretch begins, or to the end of the segment.
    boolean isComplete() {
      return complete;
    }

    /// Records of any kind.
    public long records() {
      return records;
    }

    /// PUT and DELETE records.
    public long entries() {
      return entries;
    }

    /// Sequence of the first of the entries.
    public long firstSequence() {
      return firstSequence;
    }

    /// Sequence of the last of the entries.
    public long lastSequence() {
      return lastSequence;
    }

    /// The highest sequence that a MARK vouches for; 0 if there is none.
    public long markedSequence() {
      return markedSequence;
    }

    public boolean endsWithMark() {
      return endsWithMark;
    }

    /// Bytes of the DELETE records.
    public long tombstoneBytes() {
      return tombstoneBytes;
    }

    /// Adds the checksums of all records to the digest of a seal. Only of a stretch of the log, and
    /// before the scanner is used again.
    public void addTo(CRC32C digest) {
      digest.update(sums, 0, (int) records * Integer.BYTES);
    }
  }
}

package dev.kvstore.engine;

import dev.kvstore.StoreIoException;
import dev.kvstore.index.Interruption;
import dev.kvstore.io.Directory;
import dev.kvstore.io.UncachedReader;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.Lock;

/// Reads the keys of records at many places, in the order of the log.
///
/// Sealed segments are read past the page cache and the mappings, in pieces that cover what lies close
/// together: pages that others need stay, and no page table changes. Of the others, the latest writes,
/// it reads what is mapped.
///
/// - Threads: one at a time, of the store's own.
/// - Failure: a record that cannot be read, or whose key is longer than usual, is left out.
final class SortedRecords {
  /// Of a record: its header, and a key of usual size.
  static final int HEAD_BYTES = 512;

  /// As much as [UncachedReader] reads in one go.
  private static final int PIECE_BYTES = 256 << 10;

  /// To read what lies between two records is quicker than another read.
  private static final int GAP_BYTES_MOST = 32 << 10;

  private final Directory directory;
  private final SegmentTable segments;
  private final Lock walkLock;
  private final Interruption interruption = new Interruption();
  private final byte[] piece = new byte[PIECE_BYTES];
  private final MemorySegment pieceMemory = MemorySegment.ofArray(piece);

  // What is being read.
  private long[] entries = {};
  private long base;
  private int shift;

  /// Takes what was read of a record.
  @FunctionalInterface
  interface Visitor {
    /// @param place of its entry
    /// @param piece only during the call; holds the key from `keyFrom` to before `keyTo`
    void take(int place, byte[] piece, int keyFrom, int keyTo, long recordBytes);
  }

  /// @param walkLock while it is held, compaction removes no segment
  SortedRecords(Directory directory, SegmentTable segments, Lock walkLock) {
    this.directory = directory;
    this.segments = segments;
    this.walkLock = walkLock;
  }

  /// Reads what sorted entries point to.
  ///
  /// @param shift to the right, which makes an entry an address from `base` on
  @SuppressWarnings("ReferenceEquality") // the very segment
  void forEach(long[] sorted, int count, long base, int shift, Visitor visitor) {
    this.entries = sorted;
    this.base = base;
    this.shift = shift;
    int end;
    for (int begin = 0; begin < count; begin = end) {
      Segment segment = segments.at(address(begin));
      end = begin + 1;
      while (end < count && segments.at(address(end)) == segment) {
        end++;
      }
      if (segment != null) {
        readAsLongAsItIsThere(segment, begin, end, visitor);
      }
    }
  }

  private long address(int place) {
    return base + (entries[place] >>> shift);
  }

  private long offset(Segment segment, int place) {
    return segment.offsetOf(address(place));
  }

  @SuppressWarnings("ReferenceEquality") // the very segment, not another at its addresses
  private void readAsLongAsItIsThere(Segment segment, int from, int to, Visitor visitor) {
    walkLock.lock();
    try {
      if (segments.at(segment.baseAddress()) != segment) {
        return; // compacted
      }
      if (segment.sealed() == null) {
        readMapped(segment, from, to, visitor);
      } else {
        readFile(segment, from, to, visitor);
      }
    } finally {
      walkLock.unlock();
    }
  }

  private void readFile(Segment segment, int from, int to, Visitor visitor) {
    try (UncachedReader file = directory.openUncached(segment.name())) {
      for (int next = from; next < to; ) {
        int end = endOfPiece(segment, next, to);
        long start = offset(segment, next);
        int length = length(segment, start, end - 1);
        file.read(start, piece, 0, length);
        visit(segment, next, end, length, visitor);
        next = end;
      }
    } catch (StoreIoException e) {
      // Left out; whoever needs it reads what is mapped, and tells.
    }
  }

  private void readMapped(Segment segment, int from, int to, Visitor visitor) {
    interruption.begin();
    try {
      for (int next = from; next < to; ) {
        int end = endOfPiece(segment, next, to);
        long start = offset(segment, next);
        int length = length(segment, start, end - 1);
        MemorySegment log = segment.memory();
        MemorySegment.copy(log, ValueLayout.JAVA_BYTE, start, piece, 0, length);
        visit(segment, next, end, length, visitor);
        next = end;
      }
    } catch (IllegalStateException e) {
      interruption.collided(); // sealed meanwhile
    } catch (InternalError e) {
      // Left out, as in a file.
    }
  }

  /// Where the entries end that are read with the first.
  private int endOfPiece(Segment segment, int from, int to) {
    long start = offset(segment, from);
    long before = start;
    int end = from + 1;
    for (; end < to; end++) {
      long offset = offset(segment, end);
      if (offset - before > GAP_BYTES_MOST || offset + HEAD_BYTES - start > PIECE_BYTES) {
        break;
      }
      before = offset;
    }
    return end;
  }

  private int length(Segment segment, long start, int last) {
    return (int) (Math.min(offset(segment, last) + HEAD_BYTES, segment.end()) - start);
  }

  private void visit(Segment segment, int from, int to, int length, Visitor visitor) {
    long start = offset(segment, from);
    long limit = segment.end() - start;
    for (int place = from; place < to; place++) {
      int at = (int) (offset(segment, place) - start);
      if (RecordFormat.problem(pieceMemory, at, limit) != null) {
        continue;
      }
      int keyFrom = at + RecordFormat.HEADER_BYTES;
      int keyTo = keyFrom + RecordFormat.keySize(pieceMemory, at);
      if (keyTo <= length) {
        visitor.take(place, piece, keyFrom, keyTo, RecordFormat.recordBytes(pieceMemory, at));
      }
    }
  }
}

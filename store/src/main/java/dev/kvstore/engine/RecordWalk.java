package dev.kvstore.engine;

import dev.kvstore.Encoding;
import dev.kvstore.RecordInfo;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import java.util.Arrays;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Walks over the records of one segment for a person to look at: whole ones, and the stretches between
/// them that are none.
final class RecordWalk extends Spliterators.AbstractSpliterator<RecordInfo> {
  private static final byte[] EMPTY = {};

  private final Segment segment;
  private final boolean sealed;
  private final SegmentScanner scanner;
  private final byte[] key = new byte[0xFFFF];

  /// @param sealed whether everything in the segment was durable, so that nothing in it is a tail
  RecordWalk(Segment segment, boolean sealed) {
    super(Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL);
    this.segment = segment;
    this.sealed = sealed;
    this.scanner =
        new SegmentScanner(segment, SegmentFormat.HEADER_BYTES, segment.memory().byteSize());
  }

  /// @throws dev.kvstore.StoreIoException if the file cannot be read
  @Override
  public boolean tryAdvance(Consumer<? super RecordInfo> action) {
    RecordInfo next;
    try {
      next = next();
    } catch (InternalError e) {
      throw segment.lost(e);
    }
    if (next == null) {
      return false;
    }
    action.accept(next);
    return true;
  }

  /// Null at the end.
  private @Nullable RecordInfo next() {
    if (scanner.next()) {
      return whole();
    }
    String problem = scanner.problem();
    long from = scanner.position();
    long nonZero = scanner.lastNonZero();
    if (problem == null || (!sealed && nonZero == from)) {
      return null;
    }
    boolean more = scanner.resync();
    long to = more || sealed ? scanner.position() : nonZero;
    boolean tail = !more && !sealed;
    return broken(from, to - from, tail ? RecordInfo.Kind.TAIL : RecordInfo.Kind.DAMAGED, problem);
  }

  private RecordInfo whole() {
    RecordInfo.Kind kind =
        switch (scanner.kind()) {
          case RecordFormat.PUT -> RecordInfo.Kind.PUT;
          case RecordFormat.DELETE -> RecordInfo.Kind.DELETE;
          case RecordFormat.MARK -> RecordInfo.Kind.MARK;
          default -> RecordInfo.Kind.SEAL;
        };
    return new RecordInfo(
        segment.name(),
        scanner.offset(),
        scanner.recordBytes(),
        kind,
        Encoding.ofCode(scanner.encodingCode()),
        scanner.sequence(),
        scanner.timestampMillis(),
        scanner.batchLeft(),
        Arrays.copyOf(key, scanner.copyKey(key)),
        scanner.valueSize(),
        true,
        "");
  }

  private RecordInfo broken(long offset, long bytes, RecordInfo.Kind kind, String problem) {
    return new RecordInfo(
        segment.name(), offset, bytes, kind, Encoding.BYTES, 0, 0, 0, EMPTY, 0, false, problem);
  }
}

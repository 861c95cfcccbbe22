package dev.kvstore.segment;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/// Writes a new sealed segment out of records of others, which keep their sequence and time and get
/// the checksums of their new place.
///
/// Written from beginning to end through a buffer: no zeros first, and no page of a mapping that has
/// to be brought in. Records are verified in the buffer, so what verifies is what is written, whatever
/// becomes of the source.
///
/// - Threads: the one that made it, which enters files; forces while it writes are another's.
/// - Lifecycle: [#copy] as often as wanted, [#seal] once; [#close] in any case. The file is part of
///   the store by the manifest that lists it; until then it can be removed at any time.
/// - Memory, off the heap: 256 KiB.
/// - Failure: [dev.kvstore.StoreIoException] if the disk is full or fails, and
///   [StoreCorruptionException] if a record does not verify; then it can only be closed.
public final class SegmentCopy implements AutoCloseable {
  private static final int BUFFER_BYTES = 256 << 10;
  private static final int PAGE_BYTES = 4096;

  /// Does a write; once more if the disk was full and room could be made.
  public interface RoomMaker {
    void run(Runnable write);
  }

  private final Directory directory;
  private final StoreId store;
  private final long id;
  private final long salt;
  private final RoomMaker room;
  private final FileHandle file;
  private final ForceBehind forcing;
  private final SegmentTally tally = new SegmentTally();
  private final RecordChecksum checksum = new RecordChecksum();

  private final Arena arena = Arena.ofConfined(); // owned
  private final MemorySegment buffer;
  private final ByteBuffer bufferToSum;
  private long written; // bytes of the file
  private int buffered;
  private long records;
  private boolean closed;

  private SegmentCopy(
      Directory directory,
      StoreId store,
      long id,
      FileHandle file,
      RoomMaker room,
      Executor forcer) {
    this.directory = directory;
    this.store = store;
    this.id = id;
    this.salt = store.salt(id);
    this.file = file;
    this.forcing = new ForceBehind(file, forcer);
    this.room = room;
    try {
      this.buffer = arena.allocate(BUFFER_BYTES, PAGE_BYTES);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
    this.bufferToSum = buffer.asByteBuffer();
  }

  /// Creates the file of a new segment.
  ///
  /// @param forcer runs the forces that go on while it is written
  public static SegmentCopy create(
      Directory directory,
      StoreId store,
      long id,
      long createdMillis,
      RoomMaker room,
      Executor forcer) {
    FileHandle file = directory.create(SegmentFormat.segmentName(id));
    try {
      SegmentCopy copy = new SegmentCopy(directory, store, id, file, room, forcer);
      SegmentFormat.writeHeader(copy.buffer, store, id, createdMillis);
      copy.buffered = SegmentFormat.HEADER_BYTES;
      return copy;
    } catch (Throwable e) {
      SegmentWriter.discard(directory, file, e);
      throw e;
    }
  }

  /// The name of its file.
  public String name() {
    return SegmentFormat.segmentName(id);
  }

  /// Where the next record will be.
  public long end() {
    return written + buffered;
  }

  // ---- Copying

  /// Records copied so far.
  public long records() {
    return records;
  }

  /// Appends the records that fill a stretch of another segment, PUT and DELETE only; or about as many
  /// as are enough, which may be a buffer or one record more.
  ///
  /// @param enough an offset in the stretch
  /// @return where the first record begins that was left, or `to`
  /// @throws StoreCorruptionException if it is not filled by whole records that verify
  public long copy(Segment source, long from, long to, long enough) {
    MemorySegment log = source.memory();
    long at = from;
    while (at < to && at < enough) {
      int length = (int) Math.min(to - at, BUFFER_BYTES - buffered);
      MemorySegment.copy(log, at, buffer, buffered, length);
      int done = 0;
      while (done < length) {
        int bytes = relocate(source, at + done, to, length - done);
        if (bytes == 0) {
          break; // only its beginning fits the buffer
        }
        done += bytes;
        records++;
      }
      at += done;
      if (at < to) {
        flush();
        if (to - at > BUFFER_BYTES && RecordFormat.recordBytes(log, at) > BUFFER_BYTES) {
          at += copyLarge(source, at, to);
          records++;
        }
      }
    }
    return at;
  }

  /// Verifies the record at the end of what is buffered, gives it its new place, and counts it as
  /// buffered.
  ///
  /// @param offset where it was copied from
  /// @param to where the stretch that it is a part of ends in the source
  /// @param available how many bytes of the stretch were copied
  /// @return its bytes, or 0 if it is longer than that
  private int relocate(Segment source, long offset, long to, int available) {
    int at = buffered;
    if (available < RecordFormat.HEADER_BYTES && available < to - offset) {
      return 0;
    }
    requireRecord(source, offset, RecordFormat.problem(buffer, at, at + to - offset));
    int keySize = RecordFormat.keySize(buffer, at);
    long valueSize = RecordFormat.valueSize(buffer, at);
    long bytes = RecordFormat.recordBytes(keySize, valueSize);
    if (bytes > available) {
      return 0;
    }
    int bodyEnd = at + RecordFormat.HEADER_BYTES + keySize + (int) valueSize;
    int sum = checksum.ofBuffered(bufferToSum, at, bodyEnd);
    buffered = at + (int) bytes;
    for (int padding = bodyEnd; padding < buffered; padding++) {
      buffer.set(JAVA_BYTE, padding, (byte) 0);
    }
    place(source, offset, at, sum, written + at);
    return (int) bytes;
  }

  /// Copies a record that is longer than the buffer, which is empty: the body first, the header when
  /// all has been summed.
  private long copyLarge(Segment source, long offset, long to) {
    MemorySegment log = source.memory();
    try (Arena headerArena = Arena.ofConfined()) {
      MemorySegment header = headerArena.allocate(RecordFormat.HEADER_BYTES, Long.BYTES);
      MemorySegment.copy(log, offset, header, 0, RecordFormat.HEADER_BYTES);
      requireRecord(source, offset, RecordFormat.problem(header, 0, to - offset));
      long body = RecordFormat.keySize(header, 0) + RecordFormat.valueSize(header, 0);
      long bytes = RecordFormat.recordBytes(header, 0);
      long recordAt = written;
      written += RecordFormat.HEADER_BYTES;
      checksum.start();
      for (long done = 0; done < body; ) {
        int length = (int) Math.min(body - done, BUFFER_BYTES - 8);
        MemorySegment.copy(log, offset + RecordFormat.HEADER_BYTES + done, buffer, 0, length);
        checksum.add(bufferToSum, 0, length);
        done += length;
        buffered = length;
        while (done == body && (written + buffered & 7) != 0) {
          buffer.set(JAVA_BYTE, buffered++, (byte) 0);
        }
        flush();
      }
      MemorySegment.copy(header, 0, buffer, 0, RecordFormat.HEADER_BYTES);
      place(source, offset, 0, checksum.finish(header, 0), recordAt);
      writeAt(recordAt, RecordFormat.HEADER_BYTES);
      return bytes;
    }
  }

  private static void requireRecord(Segment source, long offset, @Nullable String problem) {
    if (problem != null) {
      throw new StoreCorruptionException(source.name(), offset, problem);
    }
  }

  /// Checks the sum of a record and makes it one of this segment: with the mask of its place, and
  /// outside any batch, since what is copied has been replayed already.
  ///
  /// @param at where its header is in the buffer
  /// @param offsetHere where it will be in this segment
  private void place(Segment source, long offset, int at, int sum, long offsetHere) {
    int kind = RecordFormat.kind(buffer, at);
    if (kind != RecordFormat.PUT && kind != RecordFormat.DELETE) {
      throw new StoreCorruptionException(
          source.name(), offset, "kind " + kind + " was not asked for");
    }
    int expected =
        RecordFormat.checksum(buffer, at) ^ RecordFormat.placeMask(source.salt(), offset);
    if (sum != expected) {
      throw new StoreCorruptionException(source.name(), offset, "the record does not verify");
    }
    if (RecordFormat.batchLeft(buffer, at) != 0) {
      sum = checksum.withoutBatch(sum, buffer, at);
    }
    int stored = sum ^ RecordFormat.placeMask(salt, offsetHere);
    buffer.set(LittleEndian.INT, at + RecordFormat.CHECKSUM, stored);
    tally.record(
        stored,
        RecordFormat.sequence(buffer, at),
        RecordFormat.recordBytes(buffer, at),
        kind == RecordFormat.DELETE);
  }

  private void flush() {
    if (buffered > 0) {
      writeAt(written, buffered);
      written += buffered;
      buffered = 0;
      forcing.written(written);
    }
  }

  private void writeAt(long offset, int length) {
    MemorySegment bytes = buffer.asSlice(0, length);
    room.run(() -> file.write(offset, bytes));
  }

  // ---- The end

  /// What a copy has become.
  ///
  /// @param segment mapped for reading
  public record Sealed(Segment segment, SealedSegment sealed) {}

  /// Appends the seal and makes file and name durable. The mapping is the caller's.
  public Sealed seal(long timestampMillis) {
    if (BUFFER_BYTES - buffered < RecordFormat.SEAL_BYTES) {
      flush();
    }
    SegmentSealer.Summary summary = tally.summary();
    int at = buffered;
    RecordFormat.writeSeal(buffer, at, summary.seal(), timestampMillis);
    int sum = checksum.ofBuffered(bufferToSum, at, at + RecordFormat.SEAL_BYTES);
    int stored = sum ^ RecordFormat.placeMask(salt, written + at);
    buffer.set(LittleEndian.INT, at + RecordFormat.CHECKSUM, stored);
    buffered = at + RecordFormat.SEAL_BYTES;
    flush();
    forcing.forceAll();
    directory.force();
    Mapping mapping = Mapping.of(file, written, Access.READ);
    SealedSegment sealed =
        new SealedSegment(
            id,
            written,
            summary.seal().records(),
            summary.tombstoneBytes(),
            summary.seal().minSequence(),
            summary.seal().maxSequence(),
            stored);
    return new Sealed(new Segment(store, id, mapping, written), sealed);
  }

  /// Closes the file and frees the buffer. May be repeated.
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      arena.close();
      forcing.await();
      file.close();
    }
  }
}

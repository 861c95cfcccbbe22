package dev.kvstore.segment;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.kvstore.Encoding;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.io.Preallocation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Appends records to one segment through a mapping of zero-filled blocks.
///
/// - Threads: appending and undoing under the caller's lock; [#force] from any other thread meanwhile.
/// - Lifecycle: [#create] or [#reopen]; ends with [SegmentSealer#seal] or [#cutAndClose].
/// - Failure: the blocks are there before the mapping is, so an append does not meet a full disk.
public final class SegmentWriter {
  private static final byte[] EMPTY = {};
  private static final long REWRITE_BYTES = 256 << 10;

  private final Segment segment;
  private final FileHandle file;
  private final long capacity;
  private final MemorySegment memory;

  // Guarded by the caller's append lock.
  private long position;

  // Guarded by this.
  private boolean closed;
  private long forcedTo; // everything before is durable

  // For the one who seals.
  private @Nullable SealedSegment sealed;

  private SegmentWriter(Segment segment, FileHandle file, long capacity) {
    this.segment = segment;
    this.file = file;
    this.capacity = capacity;
    this.memory = segment.memory();
    this.position = segment.end();
    this.forcedTo = position;
  }

  /// Creates the file of a new segment. On return its header and its name are durable, and so are its
  /// blocks if writes are going to be forced often: a force that has to allocate is slower. Otherwise
  /// the blocks are there, but after a power loss the file may be shorter, as without those writes.
  ///
  /// @param capacity bytes of the file until it is sealed; header and seal included
  public static SegmentWriter create(
      Directory directory,
      StoreId store,
      long id,
      long capacity,
      long createdMillis,
      Preallocation preallocation) {
    String name = SegmentFormat.segmentName(id);
    FileHandle file = directory.create(name);
    Mapping mapping = null;
    try {
      file.fillZero(0, capacity, preallocation);
      mapping = Mapping.of(file, capacity, Access.WRITE);
      SegmentFormat.writeHeader(mapping.memory(), store, id, createdMillis);
      switch (preallocation) {
        case FORCED_OFTEN -> file.force();
        case FORCED_RARELY -> file.force(mapping.memory(), 0, SegmentFormat.HEADER_BYTES);
      }
      directory.force();
      Segment segment = new Segment(store, id, mapping, SegmentFormat.HEADER_BYTES);
      return new SegmentWriter(segment, file, capacity);
    } catch (Throwable e) {
      if (mapping != null) {
        mapping.retire();
      }
      discard(directory, file, e);
      if (e instanceof InternalError fault) {
        throw Segment.lost(name, fault);
      }
      throw e;
    }
  }

  /// Goes on with a segment that was closed cleanly at its end. Its new blocks are not forced yet.
  public static SegmentWriter reopen(
      Directory directory, Segment segment, long capacity, Preallocation preallocation) {
    FileHandle file = directory.open(segment.name(), Access.WRITE);
    try {
      file.fillZero(segment.end(), capacity, preallocation);
      segment.remap(Mapping.of(file, capacity, Access.WRITE));
      return new SegmentWriter(segment, file, capacity);
    } catch (Throwable e) {
      cutAfter(file, segment.end(), e);
      closeAfter(file, e);
      throw e;
    }
  }

  /// Gives back what a full disk had left.
  private static void cutAfter(FileHandle file, long end, Throwable cause) {
    try {
      file.cut(end);
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  /// Takes over a segment that was not closed cleanly: cuts what is behind its last whole record, so
  /// that nothing of it can come back, and makes room for the seal.
  public static SegmentWriter recover(Directory directory, Segment segment) {
    FileHandle file = directory.open(segment.name(), Access.WRITE);
    try {
      long capacity = segment.end() + RecordFormat.SEAL_BYTES;
      file.cut(segment.end());
      file.fillZero(segment.end(), capacity);
      file.force();
      segment.remap(Mapping.of(file, capacity, Access.WRITE));
      return new SegmentWriter(segment, file, capacity);
    } catch (Throwable e) {
      closeAfter(file, e);
      throw e;
    }
  }

  /// Makes durable what an earlier process has written. If that ended because a force had failed, the
  /// system takes pages for written that never were, and a force alone would leave them out: so all
  /// but zeros, which is what they were made of, is written once more.
  public static void forceAgain(Directory directory, String name) {
    try (FileHandle file = directory.open(name, Access.WRITE);
        Arena arena = Arena.ofConfined()) {
      MemorySegment zeros = arena.allocate(REWRITE_BYTES);
      MemorySegment buffer = arena.allocate(REWRITE_BYTES);
      long size = file.size();
      for (long at = 0; at < size; at += REWRITE_BYTES) {
        MemorySegment piece = buffer.asSlice(0, Math.min(REWRITE_BYTES, size - at));
        file.read(at, piece);
        if (piece.mismatch(zeros.asSlice(0, piece.byteSize())) >= 0) {
          file.write(at, piece);
        }
      }
      file.force();
    }
  }

  /// Closes and removes a file that has come to nothing.
  static void discard(Directory directory, FileHandle file, Throwable cause) {
    closeAfter(file, cause);
    try {
      directory.remove(file.name());
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  private static void closeAfter(FileHandle file, Throwable cause) {
    try {
      file.close();
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  public Segment segment() {
    return segment;
  }

  /// Bytes of records that still fit, the seal set aside.
  public long remaining() {
    return capacity - RecordFormat.SEAL_BYTES - position;
  }

  public long capacity() {
    return capacity;
  }

  /// Appends a PUT or DELETE. The caller has checked that it fits.
  ///
  /// @param checksum has been started with the body
  /// @return the offset of the record
  public long append(
      int kind,
      Encoding encoding,
      byte[] key,
      byte[] value,
      long batchLeft,
      long sequence,
      long timestampMillis,
      RecordChecksum checksum) {
    long at = position;
    long bytes = RecordFormat.recordBytes(key.length, value.length);
    assert bytes <= remaining() : bytes + " > " + remaining();
    RecordFormat.writeHeader(
        checksum.header(),
        kind,
        encoding,
        key.length,
        value.length,
        batchLeft,
        sequence,
        timestampMillis);
    MemorySegment.copy(key, 0, memory, JAVA_BYTE, at + RecordFormat.HEADER_BYTES, key.length);
    MemorySegment.copy(
        value, 0, memory, JAVA_BYTE, at + RecordFormat.HEADER_BYTES + key.length, value.length);
    finish(at, checksum);
    advance(bytes);
    return at;
  }

  /// Notes that everything up to a sequence is durable.
  public void appendMark(long durableSequence, long timestampMillis, RecordChecksum checksum) {
    long at = position;
    assert RecordFormat.MARK_BYTES <= remaining();
    RecordFormat.writeHeader(
        checksum.header(),
        RecordFormat.MARK,
        Encoding.BYTES,
        0,
        0,
        0,
        durableSequence,
        timestampMillis);
    checksum.startBody(EMPTY, EMPTY);
    finish(at, checksum);
    advance(RecordFormat.MARK_BYTES);
  }

  /// How it has been sealed; null before that.
  @Nullable SealedSegment sealed() {
    return sealed;
  }

  void markSealed(SealedSegment summary) {
    sealed = summary;
  }

  /// Appends the SEAL record; see [RecordFormat]. Room for it has been set aside.
  void appendSeal(Seal seal, long timestampMillis) {
    long at = position;
    byte[] value = RecordFormat.sealValue(seal);
    RecordChecksum checksum = new RecordChecksum();
    RecordFormat.writeHeader(
        checksum.header(),
        RecordFormat.SEAL,
        Encoding.BYTES,
        0,
        value.length,
        0,
        seal.maxSequence(),
        timestampMillis);
    checksum.startBody(EMPTY, value);
    MemorySegment.copy(value, 0, memory, JAVA_BYTE, at + RecordFormat.HEADER_BYTES, value.length);
    finish(at, checksum);
    advance(RecordFormat.SEAL_BYTES);
  }

  private void finish(long at, RecordChecksum checksum) {
    int sum = checksum.finish() ^ RecordFormat.placeMask(segment.salt(), at);
    RecordFormat.placeHeader(checksum.header(), sum, memory, at);
  }

  private void advance(long bytes) {
    position += bytes;
    segment.publishEnd(position);
  }

  /// Makes the bytes from this offset on invalid again, because what was to follow them failed. Durable on
  /// return: somebody else's force, or the system, may have brought them to the disk as they were, and what
  /// has the same sequence next may go to another segment.
  public void undo(long offset) {
    long end = position;
    memory.asSlice(offset, end - offset).fill((byte) 0);
    position = offset;
    segment.publishEnd(position);
    synchronized (this) {
      forcedTo = Math.min(forcedTo, offset); // what comes in their place is not
      file.force(memory, offset, end);
    }
  }

  /// Makes everything appended before this call durable. Does nothing once the segment is sealed, since
  /// sealing forces. Any thread may call this, also one that somebody interrupts.
  public synchronized void force() {
    long end = segment.end();
    if (!closed && end > forcedTo) {
      file.force(memory, forcedTo, end);
      forcedTo = end;
    }
  }

  /// Makes the blocks durable that are there for what is going to be appended.
  public synchronized void forceBlocks() {
    file.force();
  }

  /// Cuts what was never used, makes it durable, closes the file for writing and maps what there is
  /// for reading. If there is no space for that, nothing has changed.
  public synchronized void cutAndClose() {
    if (closed) {
      return;
    }
    force(); // what was written; of what is cut nothing has to reach the disk
    file.cut(position); // before the mapping that a seal is taken back through is replaced
    segment.remap(Mapping.of(file, position, Access.READ));
    file.force();
    closed = true;
    file.close();
  }

  /// Closes the file and leaves it as it is: after a failure nothing may be changed any more.
  public synchronized void abandon() {
    if (!closed) {
      closed = true;
      file.close();
    }
  }
}

package dev.kvstore.segment;

import static dev.kvstore.segment.HintEntries.ENTRY_BYTES;

import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/// Writes the hint file of a segment, from beginning to end. It takes its name, and the place of one that is
/// there, when it is whole: a process that ends before leaves nothing that could be taken for damage.
///
/// - Threads: the one that made it.
/// - Lifecycle: entries in the order of hashes, by [#write]; or range of hashes after range, in any
///   order inside one, by [#add] and [#endRange]. Then [#finish]; [#close] without it removes what was written.
/// - Memory, off the heap: 256 KiB, and the largest range.
public final class HintWriter implements AutoCloseable {
  private static final int BUFFER_BYTES = 256 << 10;

  private final Directory directory;
  private final FileHandle file;
  private final SealedSegment sealed;
  private final CRC32C checksum = new CRC32C();
  private final HintSorter sorter = new HintSorter();

  private final Arena arena = Arena.ofConfined(); // owned
  private final MemorySegment buffer;
  private final ByteBuffer bufferToSum;
  private long written; // bytes of the file
  private int buffered;
  private long count;
  private boolean finished;

  // The range that is being added. Its memory is replaced by a larger one when need be.
  private Arena rangeArena = Arena.ofConfined(); // owned
  private MemorySegment range;
  private long rangeBytes;

  private HintWriter(Directory directory, FileHandle file, StoreId store, SealedSegment sealed) {
    this.directory = directory;
    this.file = file;
    this.sealed = sealed;
    try {
      this.buffer =
          arena.allocate(Math.min(BUFFER_BYTES, HintFile.bytesFor(sealed.records())), Long.BYTES);
      this.range = rangeArena.allocate(64L * ENTRY_BYTES, Long.BYTES);
    } catch (Throwable e) {
      arena.close();
      rangeArena.close();
      throw e;
    }
    this.bufferToSum = buffer.asByteBuffer();
    HintFile.writeHeader(buffer, store, sealed);
    buffered = HintFile.ENTRIES;
  }

  /// Begins the hint file of a segment that is sealed, or will be as told.
  ///
  /// @throws dev.kvstore.StoreIoException as all methods here, if the disk is full or fails
  public static HintWriter create(Directory directory, StoreId store, SealedSegment sealed) {
    String name = SegmentFormat.nextHintName(sealed.id());
    if (directory.list().contains(name)) {
      directory.remove(name);
    }
    FileHandle file = directory.create(name);
    try {
      return new HintWriter(directory, file, store, sealed);
    } catch (Throwable e) {
      SegmentWriter.discard(directory, file, e);
      throw e;
    }
  }

  /// Writes entries that follow those before.
  public void write(HintEntries entries) {
    count += entries.count();
    MemorySegment memory = entries.memory();
    for (long at = 0; at < memory.byteSize(); ) {
      if (buffered == buffer.byteSize()) {
        flush();
      }
      long length = Math.min(memory.byteSize() - at, buffer.byteSize() - buffered);
      MemorySegment.copy(memory, at, buffer, buffered, length);
      buffered += (int) length;
      at += length;
    }
  }

  /// Adds an entry to the present range.
  public void add(long hash, long sequence, long offset, long recordBytes, boolean delete) {
    if (rangeBytes == range.byteSize()) {
      growRange();
    }
    HintEntries.write(range, rangeBytes, hash, sequence, offset, recordBytes, delete);
    rangeBytes += ENTRY_BYTES;
  }

  private void growRange() {
    Arena larger = Arena.ofConfined();
    MemorySegment copy;
    try {
      copy = larger.allocate(range.byteSize() * 2, Long.BYTES);
    } catch (Throwable e) {
      larger.close();
      throw e;
    }
    MemorySegment.copy(range, 0, copy, 0, rangeBytes);
    rangeArena.close();
    rangeArena = larger;
    range = copy;
  }

  /// Writes the present range. All that is added from now on has higher hashes.
  public void endRange() {
    MemorySegment entries = range.asSlice(0, rangeBytes);
    sorter.sort(entries);
    write(new HintEntries(entries));
    rangeBytes = 0;
  }

  private void flush() {
    file.write(written, buffer.asSlice(0, buffered));
    checksum.update(bufferToSum.limit(buffered).position(0));
    written += buffered;
    buffered = 0;
  }

  /// Completes the file.
  ///
  /// @throws IllegalStateException if these were not all entries
  public void finish() {
    if (count != sealed.records()) {
      throw new IllegalStateException(
          "a hint of " + count + " entries for " + sealed.records() + " records");
    }
    flush();
    buffer.set(LittleEndian.INT, 0, (int) checksum.getValue());
    file.write(written, buffer.asSlice(0, HintFile.CHECKSUM_BYTES));
    directory.rename(SegmentFormat.nextHintName(sealed.id()), SegmentFormat.hintName(sealed.id()));
    finished = true;
  }

  @Override
  public void close() {
    arena.close();
    rangeArena.close();
    try {
      file.close();
    } finally {
      if (!finished) {
        directory.remove(SegmentFormat.nextHintName(sealed.id()));
      }
    }
  }
}

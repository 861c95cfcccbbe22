package dev.kvstore.segment;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/// Computes the checksum of records, see [RecordFormat]. One thread at a time; keep and reuse.
///
/// Everything is summed from the Java heap. Reading mapped memory from native code would be no faster
/// for small records, would make readers meet on the arena's counter, and would end the JVM if the
/// file were cut from outside.
public final class RecordChecksum {
  private static final int CHUNK_BYTES = 16 << 10;

  private final CRC32C crc = new CRC32C();
  private final byte[] header = new byte[RecordFormat.HEADER_BYTES];
  private byte[] chunk = new byte[0];

  /// Begins with the body of a record, which the caller has on the heap.
  public void startBody(byte[] key, byte[] value) {
    crc.reset();
    crc.update(key, 0, key.length);
    crc.update(value, 0, value.length);
  }

  /// Where a header is put together before it is summed and written in one piece. An array and no
  /// memory segment over it: the code of memory accesses is shared, and a third kind of segment in it
  /// would turn each of them into a virtual call.
  byte[] header() {
    return header;
  }

  /// Ends with the header in [#header].
  int finish() {
    crc.update(header, RecordFormat.SUMMED_FROM, header.length - RecordFormat.SUMMED_FROM);
    return (int) crc.getValue();
  }

  /// Ends with the header at this place. The place is not in it yet.
  public int finish(MemorySegment log, long at) {
    RecordFormat.copyHeader(log, at, header);
    return finish();
  }

  /// The sum of a record in the log whose sizes the caller has checked. The place is not in it yet.
  public int of(MemorySegment log, long at, int keySize, long valueSize) {
    crc.reset();
    long end = at + RecordFormat.HEADER_BYTES + keySize + valueSize;
    for (long from = at + RecordFormat.HEADER_BYTES; from < end; ) {
      int length = (int) Math.min(end - from, CHUNK_BYTES);
      if (chunk.length < length) {
        chunk = new byte[Math.min(CHUNK_BYTES, Integer.highestOneBit(length) * 2)];
      }
      MemorySegment.copy(log, JAVA_BYTE, from, chunk, 0, length);
      crc.update(chunk, 0, length);
      from += length;
    }
    return finish(log, at);
  }

  /// Begins with a body that comes in pieces.
  void start() {
    crc.reset();
  }

  /// Goes on with a piece of the body, in memory that is not of a file.
  void add(ByteBuffer buffer, int from, int length) {
    crc.update(buffer.limit(from + length).position(from));
  }

  /// The sum of a record in memory that is not of a file, which native code may read.
  ///
  /// @param bodyEnd where key and value end
  int ofBuffered(ByteBuffer buffer, int at, int bodyEnd) {
    crc.reset();
    crc.update(buffer.limit(bodyEnd).position(at + RecordFormat.HEADER_BYTES));
    crc.update(
        buffer.limit(at + RecordFormat.HEADER_BYTES).position(at + RecordFormat.SUMMED_FROM));
    return (int) crc.getValue();
  }

  /// Takes a record out of its batch: sets the field to 0 and returns what the sum becomes by that. A
  /// CRC is linear, so what changes in it depends on nothing but the bits that change and how far they
  /// are from the end; the body need not be summed again.
  int withoutBatch(int sum, MemorySegment log, long at) {
    crc.reset();
    int before = finish(log, at);
    log.set(LittleEndian.INT, at + RecordFormat.BATCH_LEFT, 0);
    crc.reset();
    return sum ^ before ^ finish(log, at);
  }

  /// Whether the record at this place, whose sizes the caller has checked, verifies.
  public boolean verifies(MemorySegment log, long at, int keySize, long valueSize, long salt) {
    return (of(log, at, keySize, valueSize) ^ RecordFormat.placeMask(salt, at))
        == RecordFormat.checksum(log, at);
  }
}

package dev.kvstore.segment;

import dev.kvstore.StoreIoException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// One segment of an open store: where its bytes are mapped, how far they are valid, and how many of
/// them live.
///
/// - Threads: any may read. [#publishEnd] and the counts are for the one who appends; the mapping is
///   changed by the one who seals.
/// - Lifecycle: [#retire] unmaps; readers then meet [IllegalStateException] and look again.
public final class Segment {
  private static final VarHandle END;
  private static final VarHandle APPENDED;

  static {
    try {
      END = MethodHandles.lookup().findVarHandle(Segment.class, "end", long.class);
      APPENDED =
          MethodHandles.lookup().findVarHandle(Segment.class, "appendedLiveBytes", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final long id;
  private final String name;
  private final long salt;

  /// Bytes of records that are the newest of their key, less those that were appended live. Changed by
  /// writers, compaction and recovery.
  private final AtomicLong liveBytes = new AtomicLong();

  /// Bytes of records that were the newest of their key when they were appended. Written by whoever
  /// appends: without the price of an atomic addition.
  @SuppressWarnings("UnusedVariable") // through APPENDED
  private long appendedLiveBytes;

  // Written by whoever appends or recovers, released to readers by publishEnd.
  @SuppressWarnings("UnusedVariable") // through END
  private long end;

  // Changed when the segment is reopened and when it is sealed.
  private volatile Mapping mapping;
  private volatile @Nullable Mapping replaced; // until nobody is likely to read it
  private volatile @Nullable SealedSegment sealed;

  // Set by SegmentTable, before the segment can be found.
  private long baseAddress = -1;

  /// @param end where the valid records end, in bytes
  public Segment(StoreId store, long id, Mapping mapping, long end) {
    this.id = id;
    this.name = SegmentFormat.segmentName(id);
    this.salt = store.salt(id);
    this.mapping = mapping;
    this.end = end;
  }

  public long id() {
    return id;
  }

  /// The name of its file.
  public String name() {
    return name;
  }

  /// What enters the checksums of its records.
  public long salt() {
    return salt;
  }

  public Mapping mapping() {
    return mapping;
  }

  /// Shorthand for the mapped bytes.
  public MemorySegment memory() {
    return mapping.memory();
  }

  /// Where the valid records end.
  public long end() {
    return (long) END.getAcquire(this);
  }

  /// Everything below is a whole record from now on.
  public void publishEnd(long newEnd) {
    // Release pairs with getAcquire in end(): a reader that sees this end also sees the bytes
    // below.
    END.setRelease(this, newEnd);
  }

  /// Puts another mapping of the same bytes in place. The one before stays until [#closeReplaced], for
  /// those who are reading it.
  public void remap(Mapping replacement) {
    closeReplaced();
    replaced = mapping;
    mapping = replacement;
  }

  /// Closes what [#remap] has replaced. To be called when whoever read it has most likely ended; see
  /// [Mapping#retire].
  public void closeReplaced() {
    Mapping before = replaced;
    replaced = null;
    if (before != null) {
      before.retire();
    }
  }

  public void retire() {
    closeReplaced();
    mapping.retire();
  }

  // ---- Counts

  /// What the manifest knows of it; null until the manifest lists it as sealed.
  public @Nullable SealedSegment sealed() {
    return sealed;
  }

  /// It is a sealed segment of the store from now on, for compaction to take and for nobody to write.
  public void markSealed(SealedSegment summary) {
    sealed = summary;
  }

  public long liveBytes() {
    return liveBytes.get() + (long) APPENDED.getOpaque(this);
  }

  /// Counts records as live, or not live any more.
  public void addLiveBytes(long bytes) {
    liveBytes.addAndGet(bytes);
  }

  /// Counts a record as live that was just appended. For whoever appends.
  public void addAppendedLiveBytes(long bytes) {
    APPENDED.setOpaque(this, appendedLiveBytes + bytes);
  }

  /// Bytes that compaction could free: all but header, live records and the seal.
  public long garbageBytes() {
    long fixed = SegmentFormat.HEADER_BYTES + (long) (sealed != null ? RecordFormat.SEAL_BYTES : 0);
    return Math.max(0, end() - fixed - liveBytes());
  }

  // ---- Addresses

  /// The address of the first byte, in units of 8 bytes.
  public long baseAddress() {
    return baseAddress;
  }

  public void placeAt(long address) {
    baseAddress = address;
  }

  public long addressOf(long offset) {
    return baseAddress + (offset >>> 3);
  }

  public long offsetOf(long address) {
    return (address - baseAddress) << 3;
  }

  // ---- Errors

  /// What an access to memory of a file that somebody cut turns into.
  public StoreIoException lost(InternalError cause) {
    return lost(name, cause);
  }

  static StoreIoException lost(String name, InternalError cause) {
    return new StoreIoException(
        name
            + ": memory of the file is gone: it was cut, or the disk cannot read; verify the store",
        cause);
  }
}

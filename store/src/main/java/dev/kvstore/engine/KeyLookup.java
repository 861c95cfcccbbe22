package dev.kvstore.engine;

import dev.kvstore.Encoding;
import dev.kvstore.KvStore;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreIoException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.index.Interruption;
import dev.kvstore.index.KeyMatcher;
import dev.kvstore.segment.LittleEndian;
import dev.kvstore.segment.Mapping;
import dev.kvstore.segment.RecordChecksum;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/// Finds the record of a key: asks the index, confirms the key in the log, and remembers the place.
///
/// - Threads: one at a time; each thread keeps its own.
/// - Races: a segment that compaction retired, or a page of the index that was recycled, between two
///   steps makes it look again. What is found was the newest record of the key at some moment during
///   the call.
/// - Damage: a candidate whose key differs is believed to be another key only if its checksum
///   verifies. Otherwise it may be the very record that is looked for, so its absence is not claimed.
final class KeyLookup implements KeyMatcher {
  /// Entries are redirected before their segment goes, so a second look finds another place, unless the
  /// next compaction was as quick: so many in a row are none, but an index that points nowhere.
  private static final int ATTEMPTS_MAX = 1 << 14;

  /// Of a record, before its size is known.
  private static final int FIRST_READ_BYTES = 256;

  private static final byte[] EMPTY = {};

  private final HashIndex index;
  private final SegmentTable segments;
  private final Residency residency;
  private final Residency.Probe probe;
  private final boolean verify;
  private final @Nullable Displaced displaced;
  private final RecordChecksum checksum = new RecordChecksum();

  // What is looked for.
  private byte[] key = EMPTY;
  private long hash;

  // What was found.
  private @Nullable Segment segment;
  private @Nullable MemorySegment memory;
  private long offset;
  private long recordBytes;
  private long address;

  // What happened on the way.
  private final Interruption interruption = new Interruption();
  private boolean retired;
  private boolean metOther;
  private long suspect;
  private boolean leaving; // what is not in memory
  private int leftCount;
  private long left;

  private final AnyEntry any = new AnyEntry();

  /// One that knows of the index only, and may miss what is displaced.
  KeyLookup(HashIndex index, SegmentTable segments, Residency residency, boolean verify) {
    this(index, segments, residency, verify, null);
  }

  KeyLookup(
      HashIndex index,
      SegmentTable segments,
      Residency residency,
      boolean verify,
      @Nullable Displaced displaced) {
    this.index = index;
    this.segments = segments;
    this.residency = residency;
    this.probe = residency.probe();
    this.verify = verify;
    this.displaced = displaced;
  }

  /// Looks a key up. Afterwards the accessors below tell about its record, if there is one.
  ///
  /// @throws IllegalStateException if the store has been closed
  boolean find(long keyHash, byte[] wanted) {
    interruption.begin();
    try {
      return findWhereItIs(keyHash, wanted);
    } catch (InternalError late) { // of a segment, or it had been told by matches or by the index
      throw lostMemory(late);
    }
  }

  /// What a reader is told of memory that is lost, when it is not known whose it was.
  static StoreIoException lostMemory(InternalError late) {
    return new StoreIoException(
        "memory of a segment is gone: it was cut, or the disk cannot read; verify the store", late);
  }

  private boolean findWhereItIs(long keyHash, byte[] wanted) {
    key = wanted;
    hash = keyHash;
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      retired = false;
      metOther = false;
      suspect = HashIndex.NONE;
      leftCount = 0;
      long restored = displaced == null ? 0 : displaced.restored();
      address = index.find(keyHash, this);
      if (address != HashIndex.NONE) {
        return true;
      }
      if (!retired) {
        if (leftCount > 0) {
          return false;
        }
        if (metOther && displaced != null && displaced.settleIfHidden(keyHash, restored, any)) {
          continue;
        }
        if (suspect != HashIndex.NONE && !index.contains(keyHash, suspect)) {
          suspect = HashIndex.NONE; // a slow look at a recycled page, not an entry
        }
        return false;
      }
      Thread.onSpinWait();
    }
    throw new StoreCorruptionException(
        IndexImage.NAME, 0, "the index points to a segment that is not there; delete the file");
  }

  /// As [#find], but leaves a record alone that is not in memory and can be displaced; [#left] is its
  /// address then, and nothing is found.
  boolean findOrLeave(long keyHash, byte[] wanted) {
    leaving = wanted.length <= Displaced.KEY_BYTES_MOST;
    try {
      if (find(keyHash, wanted)) {
        return true;
      }
    } finally {
      leaving = false;
    }
    if (leftCount == 0
        || (leftCount == 1
            && !metOther
            && displaced != null
            && displaced.admits(keyHash, left, any))) {
      return false;
    }
    return find(keyHash, wanted);
  }

  /// As [#find]; and if the key seems absent, makes sure that no damaged record stands in its place.
  ///
  /// @throws StoreCorruptionException if one does
  boolean findOrThrow(long keyHash, byte[] wanted) {
    if (find(keyHash, wanted)) {
      return true;
    }
    if (suspect != HashIndex.NONE) {
      throw damaged(suspect);
    }
    return false;
  }

  @Override
  public boolean matches(long candidate) {
    Segment at = segments.at(candidate);
    if (at == null) {
      retired = true;
      return false;
    }
    long place = at.offsetOf(candidate);
    MemorySegment log = at.memory();
    try {
      long limit = Math.min(at.end(), log.byteSize());
      long from = Math.min(place, limit);
      long to = Math.min(place + FIRST_READ_BYTES, limit);
      if (!leaving) {
        probe.beforeRead(log, from, to);
      } else if (!probe.isThere(log, from, to)) {
        if (leftCount == 0 || left != candidate) { // it may be asked twice
          leftCount++;
        }
        left = candidate;
        return false;
      }
      if (place + RecordFormat.HEADER_BYTES + key.length <= limit
          && RecordFormat.keySize(log, place) == key.length
          && keyIsAt(log, place + RecordFormat.HEADER_BYTES)) {
        segment = at;
        memory = log;
        offset = place;
        recordBytes = RecordFormat.recordBytes(log, place);
        return true;
      }
      metOther = true;
      if (verify && !isWhole(at, log, place, limit)) {
        suspect = candidate;
      }
      return false;
    } catch (IllegalStateException e) {
      collided();
      retired = true;
      return false;
    } catch (InternalError e) {
      throw at.lost(e);
    }
  }

  @Override
  public void collided() {
    interruption.collided();
  }

  private boolean keyIsAt(MemorySegment log, long from) {
    byte[] wanted = key;
    int at = 0;
    for (; at <= wanted.length - Long.BYTES; at += Long.BYTES) {
      if (log.get(LittleEndian.LONG, from + at) != (long) LittleEndian.ARRAY_LONG.get(wanted, at)) {
        return false;
      }
    }
    for (; at < wanted.length; at++) {
      if (log.get(ValueLayout.JAVA_BYTE, from + at) != wanted[at]) {
        return false;
      }
    }
    return true;
  }

  private boolean isWhole(Segment at, MemorySegment log, long place, long limit) {
    return RecordFormat.problem(log, place, limit) == null
        && checksum.verifies(
            log,
            place,
            RecordFormat.keySize(log, place),
            RecordFormat.valueSize(log, place),
            at.salt());
  }

  // ---- The record that was found

  boolean isFound() {
    return address != HashIndex.NONE;
  }

  /// What [#findOrLeave] has left; [HashIndex#NONE] if nothing.
  long left() {
    return leftCount == 0 ? HashIndex.NONE : left;
  }

  long address() {
    return address;
  }

  Segment segment() {
    if (segment == null) {
      throw new IllegalStateException("nothing was found");
    }
    return segment;
  }

  private MemorySegment memory() {
    if (memory == null) {
      throw new IllegalStateException("nothing was found");
    }
    return memory;
  }

  long offset() {
    return offset;
  }

  /// Bytes that the record takes in the log, as they were when it was found: also if its segment has been
  /// mapped anew since.
  long recordBytes() {
    return recordBytes;
  }

  /// Copies the value out and verifies the record. Null if the record has to be looked up again,
  /// because its segment was retired meanwhile.
  ///
  /// @throws StoreCorruptionException if the record is damaged
  byte @Nullable [] copyValue() {
    MemorySegment log = memory();
    try {
      long size = checkedValueSize(log);
      if (size >= 0) {
        byte[] value = new byte[(int) size];
        MemorySegment.copy(
            log,
            ValueLayout.JAVA_BYTE,
            offset + RecordFormat.HEADER_BYTES + key.length,
            value,
            0,
            value.length);
        if (!verify || sumOf(log, value) == RecordFormat.checksum(log, offset)) {
          return value;
        }
      }
      return throwIfDamaged();
    } catch (IllegalStateException e) {
      collided();
      return null;
    } catch (InternalError e) {
      throw segment().lost(e);
    }
  }

  private int sumOf(MemorySegment log, byte[] value) {
    checksum.startBody(key, value);
    return checksum.finish(log, offset) ^ RecordFormat.placeMask(segment().salt(), offset);
  }

  /// The value's size if it can be true, else -1. Nothing is allocated by a length that was not
  /// checked.
  private long checkedValueSize(MemorySegment log) {
    long size = RecordFormat.valueSize(log, offset);
    long limit = Math.min(segment().end(), log.byteSize());
    long end = offset + RecordFormat.HEADER_BYTES + key.length + size;
    if (size > KvStore.VALUE_BYTES_MAX || end > limit) {
      return -1;
    }
    if (end - offset > FIRST_READ_BYTES && residency.isCold()) {
      probe.beforeRead(log, offset, end);
    }
    return size;
  }

  /// The value's size, believed only if the whole record verifies; -1 if it has to be looked up again.
  long verifiedValueSize() {
    MemorySegment log = memory();
    try {
      long size = checkedValueSize(log);
      if (size >= 0
          && (!verify || checksum.verifies(log, offset, key.length, size, segment().salt()))) {
        return size;
      }
      throwIfDamaged();
      return -1;
    } catch (IllegalStateException e) {
      collided();
      return -1;
    } catch (InternalError e) {
      throw segment().lost(e);
    }
  }

  /// The type of the value; the record has been verified by a call before. Null if the record has to
  /// be looked up again.
  @Nullable Encoding encoding() {
    try {
      int code = RecordFormat.encodingCode(memory(), offset);
      return Encoding.isKnown(code) ? Encoding.ofCode(code) : null;
    } catch (IllegalStateException e) {
      collided();
      return null;
    }
  }

  /// Pins the memory of the record, for handing it out. Null if it has to be looked up again.
  @SuppressWarnings({"ReferenceEquality", "MemorySegmentReferenceEquality"}) // the very mapping
  @Nullable Mapping pin() {
    Mapping mapping = segment().mapping();
    if (mapping.memory() != memory || !mapping.pin()) {
      return null;
    }
    return mapping;
  }

  /// The value where it lies. Only while pinned and verified.
  MemorySegment valueSlice(long size) {
    return memory().asSlice(offset + RecordFormat.HEADER_BYTES + key.length, size).asReadOnly();
  }

  /// A record that does not verify is damaged only if the index still points to it; otherwise the
  /// memory was something else already.
  private byte @Nullable [] throwIfDamaged() {
    if (index.contains(hash, address)) {
      throw damaged(address);
    }
    return null;
  }

  private StoreCorruptionException damaged(long place) {
    Segment at = segments.at(place);
    String file = at == null ? "a segment" : at.name();
    return new StoreCorruptionException(
        file,
        at == null ? 0 : at.offsetOf(place),
        "the record does not verify (looked up for a key of "
            + key.length
            + " B); other records are not concerned; `kvstore verify` lists all damage, `kvstore salvage`"
            + " copies out what verifies");
  }
}

package dev.kvstore.engine;

import dev.kvstore.index.HashIndex;
import dev.kvstore.index.KeyMatcher;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Puts records into the index in any order; the highest sequence of a key wins.
///
/// A tombstone is an entry like any other until [#removeTombstones], so that an older put that is met
/// later does not bring its key back.
///
/// Threads: one at a time for one instance; several instances may load at once as long as no two of
/// them ever get the same key.
final class IndexLoader {
  private final HashIndex index;
  private final SegmentTable segments;
  private final SameKey sameKey = new SameKey();

  private long[] tombstones = new long[64]; // pairs of hash and address
  private int tombstoneCount;

  IndexLoader(HashIndex index, SegmentTable segments) {
    this.index = index;
    this.segments = segments;
  }

  /// Takes a record that verifies, or that a hint vouches for.
  void load(
      Segment segment, long offset, long hash, long recordBytes, long sequence, boolean delete) {
    long address = segment.addressOf(offset);
    sameKey.ask(segment, offset);
    long existing = index.find(hash, sameKey);
    if (existing == HashIndex.NONE) {
      index.insert(hash, address);
    } else {
      Segment other = sameKey.foundIn();
      MemorySegment log = other.memory();
      long otherOffset = other.offsetOf(existing);
      if (RecordFormat.sequence(log, otherOffset) >= sequence) {
        return;
      }
      index.replace(hash, existing, address);
      if (RecordFormat.kind(log, otherOffset) == RecordFormat.PUT) {
        other.addLiveBytes(-RecordFormat.recordBytes(log, otherOffset));
      }
    }
    if (delete) {
      addTombstone(hash, address);
    } else {
      segment.addLiveBytes(recordBytes);
    }
  }

  private void addTombstone(long hash, long address) {
    if (tombstoneCount == tombstones.length) {
      tombstones = Arrays.copyOf(tombstones, tombstoneCount * 2);
    }
    tombstones[tombstoneCount++] = hash;
    tombstones[tombstoneCount++] = address;
  }

  /// Takes the keys out whose newest record is a tombstone. After everything has been loaded.
  void removeTombstones() {
    for (int i = 0; i < tombstoneCount; i += 2) {
      index.remove(tombstones[i], tombstones[i + 1]);
    }
    tombstoneCount = 0;
  }

  /// Whether the record at an address has the key of the record that is asked for.
  private final class SameKey implements KeyMatcher {
    private Segment segment;
    private long offset;
    private Segment found;

    @SuppressWarnings("NullAway.Init")
    SameKey() {}

    void ask(Segment newSegment, long newOffset) {
      segment = newSegment;
      offset = newOffset;
    }

    Segment foundIn() {
      return found;
    }

    @Override
    public boolean matches(long candidate) {
      Segment other = segments.at(candidate);
      if (other == null) {
        return false;
      }
      long otherOffset = other.offsetOf(candidate);
      MemorySegment log = segment.memory();
      MemorySegment otherLog = other.memory();
      if (otherOffset + RecordFormat.HEADER_BYTES > otherLog.byteSize()) {
        return false;
      }
      int keySize = RecordFormat.keySize(log, offset);
      long key = offset + RecordFormat.HEADER_BYTES;
      long otherKey = otherOffset + RecordFormat.HEADER_BYTES;
      if (RecordFormat.keySize(otherLog, otherOffset) != keySize
          || otherKey + keySize > otherLog.byteSize()
          || key + keySize > log.byteSize()
          || MemorySegment.mismatch(log, key, key + keySize, otherLog, otherKey, otherKey + keySize)
              >= 0) {
        return false;
      }
      found = other;
      return true;
    }
  }
}

package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.index.HashIndex;
import dev.kvstore.index.KeyMatcher;
import dev.kvstore.segment.RecordChecksum;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

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
  private final Findings findings;
  private final SameKey sameKey = new SameKey();

  private long[] tombstones = new long[64]; // pairs of hash and address
  private int tombstoneCount;

  IndexLoader(HashIndex index, SegmentTable segments, Findings findings) {
    this.index = index;
    this.segments = segments;
    this.findings = findings;
  }

  /// Takes a record that verifies, or that a hint vouches for.
  void load(
      Segment segment, long offset, long hash, long recordBytes, long sequence, boolean delete) {
    if (offset < SegmentFormat.HEADER_BYTES || offset + recordBytes > segment.end()) {
      findings.damage(
          new Damage(segment.name(), offset, recordBytes, "no record can be there", List.of()));
      return;
    }
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
  ///
  /// Neither is believed unseen. Keys that are equal prove the one that is asked for, whose sequence a
  /// hint vouches for, by the other, which must verify because its sequence decides. Keys that differ
  /// must both verify: a damaged key would make two entries of one key, and the older might be read.
  private final class SameKey implements KeyMatcher {
    private final RecordChecksum checksum = new RecordChecksum();
    private @Nullable Segment segment;
    private long offset;
    private @Nullable Segment found;

    void ask(Segment newSegment, long newOffset) {
      segment = newSegment;
      offset = newOffset;
    }

    Segment foundIn() {
      return Objects.requireNonNull(found);
    }

    @Override
    public boolean matches(long candidate) {
      Segment other = segments.at(candidate);
      if (other == null) {
        return false;
      }
      Segment asked = Objects.requireNonNull(segment);
      long otherOffset = other.offsetOf(candidate);
      if (!isIntact(other, otherOffset)) {
        return false;
      }
      if (keysAreEqual(asked, offset, other, otherOffset)) {
        found = other;
        return true;
      }
      isIntact(asked, offset);
      return false;
    }

    private boolean isIntact(Segment in, long at) {
      MemorySegment log = in.memory();
      String problem = RecordFormat.problem(log, at, in.end());
      if (problem == null) {
        int keySize = RecordFormat.keySize(log, at);
        if (checksum.verifies(log, at, keySize, RecordFormat.valueSize(log, at), in.salt())) {
          return true;
        }
        problem = "the record does not verify";
      }
      findings.damage(new Damage(in.name(), at, RecordFormat.HEADER_BYTES, problem, List.of()));
      return false;
    }

    private static boolean keysAreEqual(Segment a, long offsetA, Segment b, long offsetB) {
      MemorySegment logA = a.memory();
      MemorySegment logB = b.memory();
      long keyA = offsetA + RecordFormat.HEADER_BYTES;
      long keyB = offsetB + RecordFormat.HEADER_BYTES;
      if (keyA > a.end()) {
        return false;
      }
      int keySize = RecordFormat.keySize(logA, offsetA);
      return keySize == RecordFormat.keySize(logB, offsetB)
          && keyA + keySize <= a.end()
          && MemorySegment.mismatch(logA, keyA, keyA + keySize, logB, keyB, keyB + keySize) < 0;
    }
  }
}

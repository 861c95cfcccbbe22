package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.segment.RecordChecksum;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/// Whether two records have the same key, as far as that can be told from what may be damaged.
///
/// Neither is believed unseen. Keys that are equal prove each other. Keys that differ must both verify:
/// a damaged key would make two entries of one key, and the older might be read. What does not verify is
/// reported, and taken for another key.
///
/// Threads: one at a time.
final class SameKey {
  private final Findings findings;
  private final RecordChecksum checksum = new RecordChecksum();

  SameKey(Findings findings) {
    this.findings = findings;
  }

  boolean test(Segment a, long offsetA, Segment b, long offsetB) {
    if (keysAreEqual(a, offsetA, b, offsetB)) {
      return true;
    }
    isIntact(a, offsetA);
    isIntact(b, offsetB);
    return false;
  }

  /// Whether the record at this place verifies. If not, that is reported.
  boolean isIntact(Segment in, long at) {
    MemorySegment log = in.memory();
    String problem = RecordFormat.problem(log, at, in.end());
    if (problem != null) {
      findings.damage(new Damage(in.name(), at, RecordFormat.HEADER_BYTES, problem, List.of()));
      return false;
    }
    int keySize = RecordFormat.keySize(log, at);
    if (checksum.verifies(log, at, keySize, RecordFormat.valueSize(log, at), in.salt())) {
      return true;
    }
    byte[] likelyKey =
        log.asSlice(at + RecordFormat.HEADER_BYTES, keySize).toArray(ValueLayout.JAVA_BYTE);
    findings.damage(
        new Damage(
            in.name(),
            at,
            RecordFormat.recordBytes(log, at),
            "the record does not verify",
            List.of(likelyKey)));
    return false;
  }

  private static boolean keysAreEqual(Segment a, long offsetA, Segment b, long offsetB) {
    MemorySegment logA = a.memory();
    MemorySegment logB = b.memory();
    long keyA = offsetA + RecordFormat.HEADER_BYTES;
    long keyB = offsetB + RecordFormat.HEADER_BYTES;
    if (keyA > a.end() || keyB > b.end()) {
      return false;
    }
    int keySize = RecordFormat.keySize(logA, offsetA);
    return keySize == RecordFormat.keySize(logB, offsetB)
        && keyA + keySize <= a.end()
        && keyB + keySize <= b.end()
        && MemorySegment.mismatch(logA, keyA, keyA + keySize, logB, keyB, keyB + keySize) < 0;
  }
}

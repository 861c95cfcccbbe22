package dev.kvstore.testkit;

import java.util.Locale;

/// What a life of a store must have had in it before a crash test may say that it has tried it.
public enum Happening {
  ROTATION,
  /// A segment was appended to while the one before was not sealed yet.
  SEALED_LATE,
  /// A compaction on demand that freed segments.
  FULL_COMPACTION,
  /// A compaction that started by itself and left other sealed segments as they were.
  PARTIAL_COMPACTION,
  BATCH,
  /// A batch that did not fit into the segment in use and went to the next.
  BATCH_AT_BOUNDARY,
  /// A batch larger than a segment usually is.
  BATCH_OVER_SEGMENT,
  DELETE,
  /// A value that reaches over more than one page.
  LARGE_VALUE,
  SYNC,
  WRITE_ALWAYS,
  WRITE_EVERY,
  WRITE_OS,
  REOPEN_CLOSED,
  REOPEN_KILLED,
  REOPEN_WITHOUT_POWER,
  /// A crash while a store was being opened after a crash.
  CRASH_IN_RECOVERY,
  /// A crash after half of the bytes of a write to a file.
  CRASH_HALF_WAY,
  /// A crash in the middle of an append, which makes no call.
  TORN_APPEND,
  /// The same of a batch, of the first record of a later segment, in a segment that was there when the
  /// store was opened, and while another segment was waiting to be sealed.
  TORN_BATCH,
  TORN_AFTER_ROTATION,
  TORN_IN_REOPENED_TAIL,
  TORN_BEFORE_LATE_SEAL,
  /// All that a crash has left was read by `verify`.
  VERIFIED;

  String words() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}

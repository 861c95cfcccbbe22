package dev.kvstore;

/// When compaction starts by itself. Cost only; may differ at each open.
public sealed interface CompactionPolicy {

  /// Compact a segment once this share of it is garbage, as soon as the garbage of the whole store is
  /// worth the work.
  ///
  /// @param garbageRatio share of the sealed log that may be garbage, 0.05 to 0.95; a lower one
  ///     saves space and costs writes. Default 0.33
  /// @param garbageBytesMin below this many bytes of garbage nothing is done; 0 or more. Default 16
  ///     MiB
  record Automatic(double garbageRatio, long garbageBytesMin) implements CompactionPolicy {
    public Automatic {
      if (!(garbageRatio >= 0.05 && garbageRatio <= 0.95)) {
        throw new IllegalArgumentException(
            "the garbage ratio must be 0.05 to 0.95, not " + garbageRatio);
      }
      requireNotNegative(garbageBytesMin);
    }
  }

  /// Compact whenever the garbage of the whole store reaches this many bytes, whatever its share.
  ///
  /// @param garbageBytes 0 or more; 1 MiB is what small embedded stores traditionally use
  record Threshold(long garbageBytes) implements CompactionPolicy {
    public Threshold {
      requireNotNegative(garbageBytes);
    }
  }

  /// Never by itself, only on [KvStore#compact].
  record Manual() implements CompactionPolicy {}

  /// The default: a third garbage, and at least 16 MiB of it.
  CompactionPolicy DEFAULT = new Automatic(0.33, 16L << 20);

  /// See [Automatic].
  static CompactionPolicy automatic(double garbageRatio, long garbageBytesMin) {
    return new Automatic(garbageRatio, garbageBytesMin);
  }

  /// See [Threshold].
  static CompactionPolicy threshold(long garbageBytes) {
    return new Threshold(garbageBytes);
  }

  /// See [Manual].
  static CompactionPolicy manual() {
    return new Manual();
  }

  private static void requireNotNegative(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("garbage bytes must be 0 or more, not " + bytes);
    }
  }
}

package dev.kvstore;

/// When compaction starts by itself. Cost only; may differ at each open.
public sealed interface CompactionPolicy {

  /// Compact once this share of the log is garbage, and there is enough of it to be worth the work.
  /// Taken are the segments that free most for each byte copied, down to half this share.
  ///
  /// @param garbageRatio share of the whole log that may be garbage, 0.05 to 0.95; a lower one saves
  ///     space and costs writes. Default 0.3
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

  /// The default: three tenths garbage, and at least 16 MiB of it. Values that are overwritten at random
  /// are then written not quite twice, and the log of a large store is one and a half times as long as
  /// what lives, that of one of a hundred MiB up to twice.
  CompactionPolicy DEFAULT = new Automatic(0.3, 16L << 20);

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

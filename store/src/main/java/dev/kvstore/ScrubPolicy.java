package dev.kvstore;

import java.time.Duration;

/// Whether a store reads itself over and over to find damage before somebody needs what is damaged.
/// Cost only; may differ at each open.
///
/// A pass reads the manifest and, one after the other, all sealed segments with their hints from the
/// disk and checks every checksum in them. The segment that is written to is not read, nor the index
/// image, which each open checks as a whole. Nothing is ever changed. What is found goes to
/// [Stats#scrub] and, as a warning, to the logger `dev.kvstore.engine.Scrubber`; to do something about
/// it, see [StoreInspector#salvage].
///
/// Reads go past the page cache where the system can do that (`O_DIRECT`: Linux on ext4, XFS, Btrfs and
/// others; a modular program needs the module `jdk.unsupported`), so that nothing which is in use is
/// pushed out and what is read is what the disk has. Elsewhere they go through it, in pieces of 256 KiB.
public sealed interface ScrubPolicy {

  /// Do not. The default.
  record Off() implements ScrubPolicy {}

  /// Read no more than so much.
  ///
  /// @param bytesPerSecond bytes read in a second, on average; 64 KiB or more
  /// @param interval a pass begins no sooner than this after the one before began; 1 second to 365 days
  record AtMost(long bytesPerSecond, Duration interval) implements ScrubPolicy {
    public AtMost {
      if (bytesPerSecond < 64 << 10) {
        throw new IllegalArgumentException(
            "scrubbing takes 65536 bytes per second or more, not " + bytesPerSecond);
      }
      if (interval.compareTo(Duration.ofSeconds(1)) < 0
          || interval.compareTo(Duration.ofDays(365)) > 0) {
        throw new IllegalArgumentException(
            "passes of scrubbing are 1 second to 365 days apart, not " + interval);
      }
    }
  }

  /// See [Off].
  static ScrubPolicy off() {
    return new Off();
  }

  /// Pass after pass, but no more than one in an hour; see [AtMost].
  static ScrubPolicy atMost(long bytesPerSecond) {
    return atMost(bytesPerSecond, Duration.ofHours(1));
  }

  /// See [AtMost].
  static ScrubPolicy atMost(long bytesPerSecond, Duration interval) {
    return new AtMost(bytesPerSecond, interval);
  }
}

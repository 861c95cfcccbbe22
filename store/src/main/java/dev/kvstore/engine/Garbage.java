package dev.kvstore.engine;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.segment.Segment;
import java.util.List;
import java.util.Locale;

/// How much of the log is garbage at one moment, and what the policy says to that.
///
/// @param bytes of garbage
/// @param length of the log
record Garbage(long bytes, long length, CompactionPolicy policy) {

  static Garbage of(List<Segment> all, CompactionPolicy policy) {
    long garbage = 0;
    long length = 0;
    for (Segment segment : all) {
      garbage += segment.garbageBytes();
      length += segment.end();
    }
    return new Garbage(garbage, length, policy);
  }

  /// How much garbage is enough to begin.
  private long enough() {
    return switch (policy) {
      case CompactionPolicy.Automatic(double ratio, long least) ->
          Math.max(Math.max(1, least), (long) Math.ceil(ratio * length));
      case CompactionPolicy.Threshold(long least) -> Math.max(1, least);
      case CompactionPolicy.Manual manual -> Long.MAX_VALUE;
    };
  }

  boolean isEnough() {
    return bytes >= enough();
  }

  /// See [CompactionPace].
  double urgency() {
    return CompactionPace.urgency(bytes, enough());
  }

  /// How long the log may become with what lives now before it is enough.
  long lengthAllowed() {
    long live = length - bytes;
    return switch (policy) {
      case CompactionPolicy.Automatic(double ratio, long least) ->
          Math.max(live + Math.max(1, least), (long) (live / (1 - ratio)));
      case CompactionPolicy.Threshold(long least) -> live + Math.max(1, least);
      case CompactionPolicy.Manual manual -> Long.MAX_VALUE;
    };
  }

  String whyNotEnough() {
    return switch (policy) {
      case CompactionPolicy.Automatic(double ratio, long least) when bytes >= least ->
          String.format(
              Locale.ROOT,
              "nothing to do: %.1f %% of the log is garbage, work starts at %.1f %%",
              100.0 * bytes / length,
              100 * ratio);
      case CompactionPolicy.Automatic(double ratio, long least) -> tooFew(least);
      case CompactionPolicy.Threshold(long least) -> tooFew(least);
      case CompactionPolicy.Manual manual -> "only on demand, as the options say";
    };
  }

  private String tooFew(long least) {
    return "nothing to do: " + bytes + " bytes of garbage, work starts at " + least;
  }
}

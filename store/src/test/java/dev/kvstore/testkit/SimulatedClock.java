package dev.kvstore.testkit;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/// A clock that goes on by itself a little at each look, and otherwise as it is told.
///
/// Safe for threads.
public final class SimulatedClock implements InstantSource {
  private static final long START_MILLIS = 1_700_000_000_000L;
  private static final long STEP_MILLIS = 7;

  private final AtomicLong millis = new AtomicLong(START_MILLIS);

  @Override
  public Instant instant() {
    return Instant.ofEpochMilli(millis());
  }

  @Override
  public long millis() {
    return millis.addAndGet(STEP_MILLIS);
  }

  /// Goes so far, back if it is negative.
  public void jump(Duration distance) {
    millis.addAndGet(distance.toMillis());
  }

  /// Goes to this moment.
  public void set(Instant moment) {
    millis.set(moment.toEpochMilli());
  }

  /// Goes where no clock should: back a day, to 1970, forward 40 days, or to the right time.
  ///
  /// @return what it did, in words
  public String misbehave(RandomGenerator random) {
    List<String> ways = List.of("a day back", "to 1970", "40 days forward", "to the right time");
    String way = ways.get(random.nextInt(ways.size()));
    switch (way) {
      case "a day back" -> jump(Duration.ofDays(-1));
      case "to 1970" -> set(Instant.EPOCH);
      case "40 days forward" -> jump(Duration.ofDays(40));
      default -> set(Instant.ofEpochMilli(START_MILLIS));
    }
    return "the clock goes " + way;
  }
}

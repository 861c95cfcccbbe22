package dev.kvstore;

import java.time.Duration;
import java.util.Objects;

/// What a write waits for before it is acknowledged.
///
/// Under each of them an acknowledged write survives the death of the process (`kill -9`) at any
/// instruction. They differ in what a power loss or a crash of the operating system may take:
///
/// | durability | power loss takes | a write waits for |
/// |---|---|---|
/// | [#ALWAYS] | nothing that was acknowledged | a force of the log, shared by all that wait |
/// | [#every] | what was written in the last interval and during one force, always a suffix | nothing |
/// | [#OS] | what the operating system had not written yet, always a suffix | nothing |
public sealed interface Durability {
  /// An acknowledged write is on the disk. The default.
  Durability ALWAYS = new Always();

  /// An acknowledged write is with the operating system, which writes it when it sees fit.
  Durability OS = new Os();

  /// An acknowledged write is with the operating system, and the log is forced this often. What a power
  /// loss takes is no older than the interval and one force, so than two intervals; where a force takes
  /// longer than the interval, than two forces.
  ///
  /// @param interval 1 millisecond to 1 hour
  /// @throws IllegalArgumentException if the interval is outside that range
  static Durability every(Duration interval) {
    return new Every(interval);
  }

  /// See [#ALWAYS].
  record Always() implements Durability {}

  /// See [#every].
  record Every(Duration interval) implements Durability {
    public Every {
      Objects.requireNonNull(interval, "interval");
      if (interval.compareTo(Duration.ofMillis(1)) < 0
          || interval.compareTo(Duration.ofHours(1)) > 0) {
        throw new IllegalArgumentException(
            "the interval between forces must be 1 ms to 1 h, not " + interval);
      }
    }
  }

  /// See [#OS].
  record Os() implements Durability {}
}

package dev.kvstore.torture;

import dev.kvstore.Durability;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// What a run does.
///
/// @param store directory of the store, which is made
/// @param work directory for what the run itself keeps; on another disk than the store if that is to be full
/// @param duration after which no further round begins, unless nothing has been tested yet: no write was
///     acknowledged, or no writer killed
/// @param roundsMax how many rounds there are at most
/// @param durabilities one of which is taken for each round
/// @param threadsMax a third of the rounds have one thread, the others up to so many
/// @param keys of each thread; few, so that all of them are replaced and removed again and again
/// @param valueBytesMax size of the largest values; at least [#VALUE_BYTES_LEAST]
/// @param seed of all that is drawn: what writers do, when they are killed. Not of the instants at which
///     the threads of a writer run
public record TortureOptions(
    Path store,
    Path work,
    Duration duration,
    int roundsMax,
    List<Durability> durabilities,
    int threadsMax,
    int keys,
    int valueBytesMax,
    long seed) {

  /// Smallest largest value: it names its write.
  public static final int VALUE_BYTES_LEAST = Content.HEAD_BYTES;

  public TortureOptions {
    durabilities = List.copyOf(durabilities);
    if (durabilities.isEmpty()
        || threadsMax < 1
        || roundsMax < 1
        || keys < Write.CHANGES_MAX
        || valueBytesMax < VALUE_BYTES_LEAST) {
      throw new IllegalArgumentException(
          "no such run: "
              + durabilities
              + ", "
              + threadsMax
              + " threads, "
              + roundsMax
              + " rounds, "
              + keys
              + " keys, "
              + valueBytesMax
              + " B");
    }
  }
}

package dev.kvstore.bench;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/// Which version of each key was put last, where several threads put and get the same keys. A version
/// counts as put from just before the put begins. Safe for use by many threads.
final class Versions {
  private final Data data;
  private final AtomicIntegerArray last;

  /// All keys are at version 0.
  Versions(Data data) {
    this.data = data;
    last = new AtomicIntegerArray(Math.toIntExact(data.keys()));
  }

  /// The version to put now.
  int next(long number) {
    return last.incrementAndGet((int) number);
  }

  int last(long number) {
    return last.get((int) number);
  }

  /// Takes a store as it is: remembers which version is there.
  void learn(long number, byte @Nullable [] found) {
    last.set((int) number, data.version(number, found));
  }

  /// Compares with the last version, once nobody puts any more and nobody put a key at the same time
  /// as another.
  void check(long number, byte @Nullable [] found) {
    data.check(number, last(number), found);
  }

  /// Checks what a get brought while others put: all bytes belong to one version of this key, one
  /// that has been put, and none before `least`.
  void check(long number, byte @Nullable [] found, int least) {
    int version = data.version(number, found);
    if (version < least || version > last(number)) {
      throw new AssertionError(
          "key " + number + ": version " + version + ", not " + least + " to " + last(number));
    }
  }
}

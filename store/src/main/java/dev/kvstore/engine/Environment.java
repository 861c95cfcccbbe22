package dev.kvstore.engine;

import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.random.RandomGenerator;

/// What the engine takes from outside besides files: the clock, randomness, threads, and what is in
/// memory.
///
/// @param clock tells the time that is written into records; orders nothing
/// @param random makes the id of a new store
/// @param workers run the store's own work
/// @param residency knows which pages of the log are in memory; of one store
/// @param blindFromLogBytes see [Displaced#FROM_LOG_BYTES]
public record Environment(
    InstantSource clock,
    RandomGenerator random,
    Workers workers,
    Residency residency,
    long blindFromLogBytes) {

  /// With pages where the system says that they are.
  public Environment(InstantSource clock, RandomGenerator random, Workers workers) {
    this(clock, random, workers, new Residency(), Displaced.FROM_LOG_BYTES);
  }

  /// The real ones.
  public static Environment system() {
    // The source of randomness is made by its first use, since only a new store has one and the JDK
    // takes some 30 ms to make it.
    return new Environment(
        InstantSource.system(), () -> new SecureRandom().nextLong(), Workers.threads());
  }
}

package dev.kvstore.testkit;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreException;
import dev.kvstore.engine.Environment;
import dev.kvstore.engine.Residency;
import dev.kvstore.engine.StoreEngine;
import dev.kvstore.engine.Workers;
import java.time.InstantSource;
import java.util.SplittableRandom;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/// Opens real stores in simulated directories, without a thread and without a clock: the same calls in
/// the same order each time.
public final class Simulation {
  /// Kept, since the loggers of the JDK forget their level with the last reference to them. The store
  /// has much to say about what is done to it here.
  private static final Logger LOGGER = Logger.getLogger("dev.kvstore");

  static {
    LOGGER.setLevel(Level.OFF);
  }

  private Simulation() {}

  /// Segments so small that everything happens all the time.
  public static Options tiny(Durability durability) {
    return Options.builder()
        .durability(durability)
        .segmentBytesMax(4 << 10)
        .compaction(CompactionPolicy.automatic(0.3, 6 << 10))
        .recoveryThreads(1)
        .build();
  }

  public static KvStore open(SimulatedDirectory disk, Options options) {
    return open(disk, options, new SimulatedClock(), Workers.inline());
  }

  /// The same with a clock, and with workers that the caller may let lag behind.
  public static KvStore open(
      SimulatedDirectory disk, Options options, InstantSource clock, Workers workers) {
    Environment environment = new Environment(clock, new SplittableRandom(disk.calls()), workers);
    return StoreEngine.open(disk.requireLock(), options, environment);
  }

  /// A store of which, in one of three cases each, nothing is in memory, or some, or all: so that many
  /// writes do not see what they replace.
  public static KvStore openCold(
      SimulatedDirectory disk, Options options, InstantSource clock, Workers workers) {
    SplittableRandom random = new SplittableRandom(disk.calls());
    int inMemory = random.nextInt(3);
    Residency residency = new Residency(page -> random.nextInt(2) < inMemory);
    Environment environment = new Environment(clock, random.split(), workers, residency, 0);
    return StoreEngine.open(disk.requireLock(), options, environment);
  }

  /// Ends a process: nothing that the store still means to do reaches the disk, which ends too.
  ///
  /// @param store null: it was never opened
  public static void kill(@Nullable KvStore store, SimulatedDirectory disk) {
    disk.crashNow();
    if (store != null) {
      abandon(store); // its memory
    }
    disk.discard();
  }

  /// Lets go of a store whatever state it is in.
  public static void abandon(KvStore store) {
    try {
      store.close();
    } catch (StoreException | SimulatedCrash e) {
      // It has been through worse.
    }
  }
}

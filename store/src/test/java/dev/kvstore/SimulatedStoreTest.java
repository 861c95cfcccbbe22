package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import org.junit.jupiter.api.AfterEach;

/// The store of the crash tests: on a simulated disk, without threads.
class SimulatedStoreTest extends StoreContract {
  private final SimulatedDirectory disk = SimulatedDirectory.empty();

  @Override
  KvStore open(Options options) {
    return Simulation.open(disk, options);
  }

  @AfterEach
  void nothingIsLeftOpen() {
    close();
    assertThat(disk.open()).isEmpty();
    disk.discard();
  }
}

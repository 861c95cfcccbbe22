package dev.kvstore.io;

import dev.kvstore.testkit.SimulatedDirectory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/// The directory of the tests does what a real one does, as long as it is not told otherwise.
class SimulatedDirectoryContractTest extends FileContract {
  private final List<SimulatedDirectory> disks = new ArrayList<>();

  @Override
  Directory newDirectory() {
    disks.add(SimulatedDirectory.empty());
    return disks.getLast();
  }

  @Override
  Directory beside(Directory directory) {
    return ((SimulatedDirectory) directory).beside();
  }

  @AfterEach
  void discard() {
    disks.forEach(SimulatedDirectory::discard);
  }
}

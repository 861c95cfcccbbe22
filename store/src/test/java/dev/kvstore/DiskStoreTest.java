package dev.kvstore;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/// The store on a real disk, with real threads.
class DiskStoreTest extends StoreContract {
  @TempDir private Path temporary;

  @Override
  KvStore open(Options options) {
    return KvStore.open(temporary.resolve("store"), options);
  }
}

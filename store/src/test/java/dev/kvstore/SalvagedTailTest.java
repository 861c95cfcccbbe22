package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Salvage of a log that ends in zeros: those that are a value, and those that nobody has written.
class SalvagedTailTest {
  @TempDir private Path temporary;

  @ParameterizedTest(name = "manifest {0}")
  @ValueSource(booleans = {true, false})
  void aLastValueOfZerosIsSalvaged(boolean manifest) throws IOException {
    for (int zeros : new int[] {1, 8, 9, 100, 5000}) {
      Path crashed = Files.createDirectory(temporary.resolve("crashed" + zeros));
      byte[] value = new byte[zeros];
      Options options = Options.builder().durability(Durability.OS).build();
      try (KvStore store = KvStore.open(temporary.resolve("store" + zeros), options)) {
        store.put("first", "one");
        store.put("last".getBytes(StandardCharsets.UTF_8), value);
        copy(store.directory(), crashed);
      }
      if (!manifest) {
        Files.delete(crashed.resolve("MANIFEST"));
      }
      Path salvaged = temporary.resolve("salvaged" + zeros);
      SalvageReport report = StoreInspector.salvage(crashed, salvaged, Progress.NONE);
      assertThat(report.keys()).isEqualTo(2);
      try (KvStore copy = KvStore.open(salvaged)) {
        assertThat(copy.get("last".getBytes(StandardCharsets.UTF_8))).isEqualTo(value);
      }
    }
  }

  /// What a process that is killed at this moment leaves.
  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName().toString()));
      }
    }
  }
}

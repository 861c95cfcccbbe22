package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.StoreException;
import dev.kvstore.StoreInspector;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreStartupException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A salvage that does not come to its end leaves nothing that could be taken for a whole store.
@Timeout(120)
class UnfinishedSalvageTest {
  private static final int KEYS = 2400; // 24 MB

  @TempDir private Path temporary;

  private Path makeStore() {
    Path source = temporary.resolve("source");
    Options options = Options.builder().durability(Durability.OS).build();
    try (KvStore store = KvStore.open(source, options)) {
      for (int number = 0; number < KEYS; number++) {
        store.put(FullDiskTest.key(number), FullDiskTest.value(number));
      }
    }
    return source;
  }

  @ParameterizedTest
  @EnumSource
  void aDiskWithoutRoomIsToldAndLeftEmpty(SmallDisk.Kind kind) throws IOException {
    Path source = makeStore();
    try (SmallDisk disk = SmallDisk.mount(kind, temporary)) {
      long roomBefore = disk.store().getParent().toFile().getUsableSpace();
      for (StoreInspector.Provenance provenance : StoreInspector.Provenance.values()) {
        assertThatExceptionOfType(StoreIoException.class)
            .isThrownBy(
                () -> StoreInspector.salvage(source, disk.store(), provenance, Progress.NONE))
            .matches(StoreIoException::isNoSpace)
            .withMessageContaining(disk.store().toString())
            .withMessageContaining("nothing was salvaged");
        assertThat(disk.store()).doesNotExist();
        assertThat(disk.store().getParent().toFile().getUsableSpace())
            .isGreaterThan(roomBefore - (64 << 10));
      }
    }
    assertThat(StoreInspector.verify(source, Progress.NONE).isIntact()).isTrue();
  }

  /// Main class of a process that salvages, and stops in the middle of the copy.
  static final class Salvager {
    private Salvager() {}

    public static void main(String[] arguments) {
      StoreInspector.salvage(
          Path.of(arguments[0]),
          Path.of(arguments[1]),
          (done, total) -> {
            if (done > total * 3 / 4) {
              System.out.println("copying");
              while (true) {
                Thread.onSpinWait();
              }
            }
          });
    }
  }

  @Test
  void aSalvageThatWasKilledDoesNotOpenAndIsNotMistakenForAnEmptyPlace() throws IOException {
    Path source = makeStore();
    Path target = temporary.resolve("target");
    try (ChildJvm salvager =
        ChildJvm.start(temporary.resolve("out"), Salvager.class, source, target)) {
      salvager.awaitSaid("copying\n");
      salvager.kill();
    }
    assertThat(target.resolve("unfinished.tmp")).isDirectory();
    assertThatExceptionOfType(StoreException.class).isThrownBy(() -> KvStore.open(target).close());
    assertThatExceptionOfType(StoreStartupException.class)
        .isThrownBy(() -> StoreInspector.verify(target, Progress.NONE));
    assertThatExceptionOfType(StoreStartupException.class)
        .isThrownBy(() -> StoreInspector.salvage(source, target, Progress.NONE))
        .withMessageContaining("unfinished.tmp")
        .withMessageContaining("did not come to its end");
    try (var files = Files.list(target)) {
      assertThat(files).hasSize(1);
    }
    Path other = temporary.resolve("other");
    assertThat(StoreInspector.salvage(source, other, Progress.NONE).keys()).isEqualTo(KEYS);
    try (KvStore store = KvStore.open(other)) {
      FullDiskTest.assertHolds(store, 0, KEYS);
    }
  }
}

package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.StoreInspector;
import dev.kvstore.StoreLockedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A store has one writer, by whatever name another one calls it, and no longer than that one lives.
@Timeout(60)
class SecondOpenerTest {
  @TempDir private Path temporary;

  /// Main class of a process that has a store open until it is killed.
  static final class Owner {
    private Owner() {}

    public static void main(String[] arguments) throws Exception {
      Options options = Options.builder().readOnly(Boolean.parseBoolean(arguments[1])).build();
      try (KvStore store = KvStore.open(Path.of(arguments[0]), options)) {
        if (!options.readOnly()) {
          store.put("owner", "me");
        }
        System.out.println("has it");
        Thread.sleep(Long.MAX_VALUE); // until it is killed
      }
    }
  }

  private ChildJvm owner(Path directory, boolean readOnly) {
    ChildJvm owner =
        ChildJvm.start(
            temporary.resolve("out" + System.nanoTime()), Owner.class, directory, readOnly);
    owner.awaitSaid("has it");
    return owner;
  }

  private static void assertLockedBy(ChildJvm owner, Path directory) {
    for (boolean readOnly : new boolean[] {false, true}) {
      assertThatExceptionOfType(StoreLockedException.class)
          .isThrownBy(() -> KvStore.open(directory, Options.builder().readOnly(readOnly).build()))
          .withMessageContaining(String.valueOf(owner.pid()))
          .matches(e -> e.pid() == owner.pid());
    }
    assertThatExceptionOfType(StoreLockedException.class)
        .isThrownBy(() -> StoreInspector.verify(directory, Progress.NONE));
  }

  @Test
  void aSecondProcessIsRefusedByEveryNameAndServedAtOnceAfterAKill() throws IOException {
    Path directory = temporary.resolve("store");
    try (ChildJvm owner = owner(directory, false)) {
      Path link = Files.createSymbolicLink(temporary.resolve("link"), directory);
      Path linkedParent =
          Files.createSymbolicLink(temporary.resolve("parent"), temporary).resolve("store");
      assertLockedBy(owner, directory);
      assertLockedBy(owner, link);
      assertLockedBy(owner, linkedParent);
      assertLockedBy(owner, directory.resolve("../store/."));
      assertLockedBy(owner, Path.of("").toAbsolutePath().relativize(directory.toAbsolutePath()));
      owner.kill();
      try (KvStore store = KvStore.open(link)) {
        assertThat(store.getString("owner")).contains("me");
        assertThatExceptionOfType(StoreLockedException.class)
            .isThrownBy(() -> KvStore.open(directory))
            .matches(e -> e.pid() == ProcessHandle.current().pid());
        store.put("owner", "you"); // those who were refused have not taken the lock along
      }
    }
  }

  @Test
  void readersShareAndKeepAWriterOut() {
    Path directory = temporary.resolve("store");
    KvStore.open(directory).close();
    try (ChildJvm first = owner(directory, true);
        ChildJvm second = owner(directory, true)) {
      try (KvStore third = KvStore.open(directory, Options.builder().readOnly(true).build())) {
        assertThat(third.size()).isZero();
      }
      assertThatExceptionOfType(StoreLockedException.class)
          .isThrownBy(() -> KvStore.open(directory));
      first.kill();
      assertThatExceptionOfType(StoreLockedException.class)
          .isThrownBy(() -> KvStore.open(directory));
      second.kill();
      KvStore.open(directory).close();
    }
  }
}

package dev.kvstore.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.KvStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
  @TempDir private Path temporary;

  private static long count(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.count();
    }
  }

  @Test
  void whatARunMadeIsRemovedAndNothingElse() throws IOException {
    Path parent = temporary.resolve("a/b");
    RunDirectory kept = RunDirectory.make(parent, 7);
    Files.createDirectory(kept.store());
    Files.writeString(kept.store().resolve("x"), "y");
    RunDirectory second = RunDirectory.make(parent, 7);
    assertThat(second.path()).isNotEqualTo(kept.path());
    assertThat(second.earlier()).containsExactly("torture-7");
    assertThat(RunDirectory.make(parent, -7).earlier()).hasSize(2);
    second.remove();
    assertThat(kept.store().resolve("x")).exists();
    kept.remove();
    assertThat(parent).as("the third is still there").exists();
  }

  @Test
  void directoriesMadeForARunGoWithIt() throws IOException {
    Path parent = temporary.resolve("a/b/c");
    RunDirectory.make(parent, 1).remove();
    assertThat(count(temporary)).isEqualTo(1);
    Files.createDirectories(parent);
    RunDirectory.make(parent, 1).remove();
    assertThat(parent).isEmptyDirectory();
  }

  @Test
  void aLinkInARunIsNotFollowedWhenItIsRemoved() throws IOException {
    Path elsewhere = Files.createDirectory(temporary.resolve("elsewhere"));
    Files.writeString(elsewhere.resolve("precious"), "x");
    RunDirectory run = RunDirectory.make(temporary.resolve("p"), 1);
    Files.createSymbolicLink(run.path().resolve("link"), elsewhere);
    run.remove();
    assertThat(elsewhere.resolve("precious")).exists();
  }

  @Test
  void whereAnythingElseIsNoRunBegins() throws IOException {
    Path store = temporary.resolve("store");
    try (KvStore data = KvStore.open(store)) {
      data.put("a", "b");
    }
    long before = count(temporary);
    assertThatExceptionOfType(RunDirectory.ForeignException.class)
        .isThrownBy(() -> RunDirectory.make(store, 1))
        .withMessageContaining("is a store");
    Path home = Files.createDirectory(temporary.resolve("home"));
    Files.writeString(home.resolve("letter"), "x");
    assertThatExceptionOfType(RunDirectory.ForeignException.class)
        .isThrownBy(() -> RunDirectory.make(home, 1))
        .withMessageContaining("letter");
    Path likeOurs = Files.createDirectory(temporary.resolve("like"));
    Files.createDirectory(likeOurs.resolve("torture-5"));
    assertThatExceptionOfType(RunDirectory.ForeignException.class)
        .isThrownBy(() -> RunDirectory.make(likeOurs, 1));
    assertThatExceptionOfType(NotDirectoryException.class)
        .isThrownBy(() -> RunDirectory.make(home.resolve("letter"), 1));
    assertThat(count(temporary)).isEqualTo(before + 4);
  }
}

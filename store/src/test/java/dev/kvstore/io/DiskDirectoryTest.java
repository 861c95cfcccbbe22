package dev.kvstore.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.kvstore.StoreClosedException;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreStartupException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskDirectoryTest extends FileContract {
  @TempDir private Path temporary;

  @Override
  Directory newDirectory() {
    return DiskDirectory.open(temporary.resolve("store"), Access.WRITE, true);
  }

  @Override
  Directory beside(Directory directory) {
    return DiskDirectory.open(directory.path(), Access.WRITE, false);
  }

  @Test
  void missingDirectoriesAreMadeOnlyWhenAskedFor() {
    Path deep = temporary.resolve("a/b/c");
    for (Access access : Access.values()) {
      assertThatExceptionOfType(StoreStartupException.class)
          .isThrownBy(() -> DiskDirectory.open(deep, access, false))
          .withMessageContaining("no such directory")
          .withMessageContaining(deep.toString());
    }
    assertThatExceptionOfType(StoreStartupException.class)
        .as("who only reads makes nothing")
        .isThrownBy(() -> DiskDirectory.open(deep, Access.READ, true));
    assertThat(temporary.resolve("a")).doesNotExist();
    DiskDirectory.open(deep, Access.WRITE, true).close();
    assertThat(deep).isEmptyDirectory();
  }

  @Test
  void aFileIsNoDirectory() throws IOException {
    Path file = Files.writeString(temporary.resolve("notes"), "mine");
    for (Access access : Access.values()) {
      assertThatExceptionOfType(StoreStartupException.class)
          .isThrownBy(() -> DiskDirectory.open(file, access, true))
          .withMessageContaining("it is a file");
    }
    assertThatExceptionOfType(StoreStartupException.class)
        .isThrownBy(() -> DiskDirectory.open(file.resolve("below"), Access.WRITE, true))
        .withMessageContaining("not a directory");
    assertThat(file).hasContent("mine");
  }

  @Test
  void aLinkToADirectoryLeadsThereAndOneToNowhereIsRefused() throws IOException {
    Path real = Files.createDirectory(temporary.resolve("real"));
    Path link = Files.createSymbolicLink(temporary.resolve("link"), real);
    Path broken = Files.createSymbolicLink(temporary.resolve("broken"), temporary.resolve("gone"));
    try (Directory directory = DiskDirectory.open(link, Access.WRITE, true)) {
      assertThat(directory.path()).isEqualTo(real.toRealPath());
    }
    assertThatExceptionOfType(StoreStartupException.class)
        .isThrownBy(() -> DiskDirectory.open(broken, Access.WRITE, true))
        .withMessageContaining("leads nowhere");
  }

  @Test
  void aDirectoryOfAnotherFileSystemIsRefused() throws IOException {
    Path zip = temporary.resolve("store.zip");
    try (FileSystem inside = FileSystems.newFileSystem(zip, Map.of("create", "true"))) {
      assertThatExceptionOfType(StoreStartupException.class)
          .isThrownBy(() -> DiskDirectory.open(inside.getPath("/"), Access.WRITE, true));
    }
  }

  @Test
  void aDirectoryThatMayNotBeReadOrWrittenIsRefused() throws IOException {
    assumeFalse("root".equals(System.getProperty("user.name")), "root may do everything");
    Path directory = Files.createDirectory(temporary.resolve("theirs"));
    try {
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("r-xr-xr-x"));
      assertThatExceptionOfType(StoreStartupException.class)
          .isThrownBy(() -> DiskDirectory.open(directory, Access.WRITE, true))
          .withMessageContaining("not writable");
      DiskDirectory.open(directory, Access.READ, false).close();
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("-wx------"));
      assertThatExceptionOfType(StoreStartupException.class)
          .isThrownBy(() -> DiskDirectory.open(directory, Access.READ, false))
          .withMessageContaining("not readable");
    } finally {
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Test
  void whatIsOpenedForReadingChangesNothing() throws IOException {
    Files.writeString(temporary.resolve("a"), "mine");
    try (Directory directory = DiskDirectory.open(temporary, Access.READ, false)) {
      assertThatIllegalStateException().isThrownBy(() -> directory.create("b"));
      assertThatIllegalStateException().isThrownBy(() -> directory.open("a", Access.WRITE));
      assertThatIllegalStateException().isThrownBy(() -> directory.rename("a", "b"));
      assertThatIllegalStateException().isThrownBy(() -> directory.remove("a"));
      assertThatIllegalStateException().isThrownBy(() -> directory.lock(Access.WRITE));
    }
    assertThat(temporary.resolve("a")).hasContent("mine");
    assertThat(temporary.resolve("b")).doesNotExist();
    assertThat(temporary.resolve("LOCK")).doesNotExist();
  }

  @Test
  void nothingIsChangedThroughADirectoryThatWasGivenBack() throws IOException {
    Files.writeString(temporary.resolve("a"), "mine");
    Directory directory = DiskDirectory.open(temporary, Access.WRITE, false);
    directory.close();
    assertThatExceptionOfType(StoreClosedException.class).isThrownBy(() -> directory.create("b"));
    assertThatExceptionOfType(StoreClosedException.class)
        .isThrownBy(() -> directory.open("a", Access.WRITE));
    assertThatExceptionOfType(StoreClosedException.class)
        .isThrownBy(() -> directory.rename("a", "b"));
    assertThatExceptionOfType(StoreClosedException.class).isThrownBy(() -> directory.remove("a"));
    assertThatExceptionOfType(StoreClosedException.class)
        .isThrownBy(() -> directory.lock(Access.READ));
    assertThat(temporary.resolve("a")).hasContent("mine");
  }

  /// To open a pipe for reading waits until somebody opens it for writing.
  @Test
  void aPipeKeepsNobodyWaiting() throws Exception {
    Path pipe = temporary.resolve("0000000001.seg");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/mkfifo")));
    new ProcessBuilder("/usr/bin/mkfifo", pipe.toString()).start().waitFor();
    try (Directory directory = DiskDirectory.open(temporary, Access.WRITE, false)) {
      for (Access access : Access.values()) {
        assertThatThrownBy(() -> directory.open("0000000001.seg", access))
            .isInstanceOf(StoreIoException.class)
            .hasMessageContaining("not a regular file");
      }
    }
  }

  @Test
  void aFullDiskIsToldApartFromOtherFailures() {
    assertThat(Failures.failed("write", temporary, "No space left on device").isNoSpace()).isTrue();
    assertThat(Failures.failed("write", temporary, "Disk quota exceeded").isNoSpace()).isTrue();
    assertThat(Failures.failed("write", temporary, "Input/output error").isNoSpace()).isFalse();
  }

  /// A write to this device fails as one to a full disk does.
  @Test
  void aFullDeviceFailsTheWriteAsNoSpace() throws IOException {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.isWritable(full));
    try (var channel = FileChannel.open(full, StandardOpenOption.WRITE);
        FileHandle file = new DiskFile("full", full, channel)) {
      assertThatExceptionOfType(StoreIoException.class)
          .isThrownBy(() -> file.fillZero(0, 4096))
          .withMessageContaining("full")
          .satisfies(e -> assertThat(e.isNoSpace()).isTrue());
    }
  }

  @Test
  void aFileCutBehindOurBackIsAnErrorAndNoCrash() throws IOException {
    try (Directory directory = DiskDirectory.open(temporary, Access.WRITE, false);
        FileHandle file = directory.create("a");
        Arena arena = Arena.ofShared()) {
      file.fillZero(0, 64 << 10);
      try (var channel = FileChannel.open(temporary.resolve("a"), StandardOpenOption.WRITE)) {
        channel.truncate(100);
      }
      assertThatThrownBy(() -> file.read(50, new byte[100], 0, 100))
          .isInstanceOf(StoreIoException.class)
          .hasMessageContaining("ends at 100");
      assertThatThrownBy(() -> file.map(64 << 10, Access.READ, arena))
          .isInstanceOf(StoreIoException.class)
          .hasMessageContaining("only 100 B");
    }
  }
}

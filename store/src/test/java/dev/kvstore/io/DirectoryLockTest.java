package dev.kvstore.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvstore.StoreIoException;
import dev.kvstore.StoreLockedException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class DirectoryLockTest {
  private static final String TAKEN = "taken";
  private static final String GARBAGE = "pid=\u0001\u0002\u0000\nhost\nsince=\nßß\n=\n";

  @TempDir private Path temporary;

  private final List<Process> children = new ArrayList<>();

  /// Another process: takes the lock, says so, and keeps it until its input ends or it is killed.
  static final class Owner {
    private Owner() {}

    public static void main(String[] arguments) throws IOException {
      Access access = Access.valueOf(arguments[1]);
      try (Directory directory = DiskDirectory.open(Path.of(arguments[0]), access, false)) {
        directory.lock(access);
        System.out.println(TAKEN);
        while (System.in.read() >= 0) {}
      } catch (StoreLockedException e) {
        System.out.println(e.pid() + " " + e.getMessage());
      }
    }
  }

  private record Started(Process process, String said) {}

  private Started start(Path directory, Access access) throws IOException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xshare:auto",
                "-cp",
                System.getProperty("java.class.path"),
                Owner.class.getName(),
                directory.toString(),
                access.name())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    children.add(process);
    BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
    return new Started(process, output.readLine());
  }

  @AfterEach
  void endChildren() throws InterruptedException {
    for (Process child : children) {
      child.destroyForcibly().waitFor();
    }
  }

  private static Directory open(Path path) {
    return DiskDirectory.open(path, Access.WRITE, false);
  }

  // ---- Two processes

  @Test
  void anotherProcessIsRefusedAndToldWhoHasItSinceWhen() throws IOException {
    try (Directory directory = open(temporary)) {
      directory.lock(Access.WRITE);
      for (Access access : Access.values()) {
        assertThat(start(temporary, access).said)
            .startsWith(ProcessHandle.current().pid() + " ")
            .contains("on host ", "since 20", temporary.toRealPath().toString());
      }
    }
    assertThat(start(temporary, Access.WRITE).said).isEqualTo(TAKEN);
  }

  @Test
  void thisProcessIsRefusedWhileAnotherHasItAndHasItAtOnceAfterAKill() throws Exception {
    Started owner = start(temporary, Access.WRITE);
    assertThat(owner.said).isEqualTo(TAKEN);
    for (Access access : Access.values()) {
      try (Directory directory = open(temporary)) {
        assertThatExceptionOfType(StoreLockedException.class)
            .isThrownBy(() -> directory.lock(access))
            .withMessageContaining("pid " + owner.process.pid())
            .satisfies(e -> assertThat(e.pid()).isEqualTo(owner.process.pid()));
      }
    }
    owner.process.destroyForcibly().waitFor();
    assertThat(temporary.resolve("LOCK")).content().contains("pid=" + owner.process.pid());
    try (Directory directory = open(temporary)) {
      directory.lock(Access.WRITE);
    }
  }

  @Test
  void readersInSeveralProcessesShareAndKeepWritersOut() throws Exception {
    lockOnce();
    Started first = start(temporary, Access.READ);
    Started second = start(temporary, Access.READ);
    assertThat(first.said).isEqualTo(TAKEN);
    assertThat(second.said).isEqualTo(TAKEN);
    try (Directory reader = DiskDirectory.open(temporary, Access.READ, false)) {
      reader.lock(Access.READ);
    }
    first.process.destroyForcibly().waitFor();
    try (Directory writer = open(temporary)) {
      assertThatExceptionOfType(StoreLockedException.class)
          .isThrownBy(() -> writer.lock(Access.WRITE))
          .withMessageContaining("for reading")
          .satisfies(e -> assertThat(e.pid()).as("the last writer is not to blame").isEqualTo(-1));
      second.process.destroyForcibly().waitFor();
      writer.lock(Access.WRITE);
    }
  }

  /// Closing any descriptor of a file drops all locks that the process has on it.
  @Test
  void refusedAttemptsInThisProcessDoNotGiveTheLockAway() throws IOException {
    try (Directory owner = open(temporary)) {
      owner.lock(Access.WRITE);
      for (Access access : Access.values()) {
        try (Directory second = DiskDirectory.open(temporary, access, false)) {
          assertThatExceptionOfType(StoreLockedException.class)
              .isThrownBy(() -> second.lock(access));
          second.list();
          assertThatThrownBy(() -> second.open("LOCK", Access.READ))
              .isInstanceOf(IllegalArgumentException.class);
        }
      }
      assertThat(start(temporary, Access.WRITE).said).isNotEqualTo(TAKEN);
    }
  }

  @Test
  void oneOfTwoReadersInThisProcessGoingLeavesTheOtherItsLock() throws IOException {
    lockOnce();
    try (Directory first = DiskDirectory.open(temporary, Access.READ, false);
        Directory second = DiskDirectory.open(temporary, Access.READ, false)) {
      first.lock(Access.READ);
      second.lock(Access.READ);
      first.close();
      assertThat(start(temporary, Access.WRITE).said).startsWith("-1 ");
    }
    assertThat(start(temporary, Access.WRITE).said).isEqualTo(TAKEN);
  }

  // ---- One place, several names

  @Test
  void aLinkIsTheSamePlace() throws IOException {
    Path real = Files.createDirectory(temporary.resolve("real"));
    Path link = Files.createSymbolicLink(temporary.resolve("link"), real);
    try (Directory directory = open(real);
        Directory linked = open(link)) {
      directory.lock(Access.WRITE);
      assertThatExceptionOfType(StoreLockedException.class)
          .isThrownBy(() -> linked.lock(Access.WRITE));
      assertThat(start(link, Access.WRITE).said).isNotEqualTo(TAKEN);
    }
  }

  @Test
  void aRelativePathIsTheSamePlace() throws IOException {
    Path here = Path.of("").toAbsolutePath();
    Path relative = here.relativize(Files.createDirectory(temporary.resolve("a")).toRealPath());
    assertThat(relative.isAbsolute()).isFalse();
    try (Directory directory = open(temporary.resolve("a"));
        Directory again = open(relative);
        Directory roundabout = open(temporary.resolve("a/../a"))) {
      directory.lock(Access.WRITE);
      for (Directory other : List.of(again, roundabout)) {
        assertThat(other.path()).isEqualTo(directory.path());
        assertThatExceptionOfType(StoreLockedException.class)
            .isThrownBy(() -> other.lock(Access.WRITE));
      }
    }
  }

  @Test
  void aDirectoryThatWasMovedIsTheSamePlaceAndItsOldPathIsStillTaken() throws IOException {
    Path before = Files.createDirectory(temporary.resolve("before"));
    try (Directory directory = open(before)) {
      directory.lock(Access.WRITE);
      Path after = Files.move(before, temporary.resolve("after"));
      Files.createDirectory(before);
      for (Path path : List.of(before, after)) {
        try (Directory other = open(path)) {
          assertThatExceptionOfType(StoreLockedException.class)
              .isThrownBy(() -> other.lock(Access.WRITE));
        }
      }
    }
    try (Directory moved = open(temporary.resolve("after"));
        Directory made = open(before)) {
      moved.lock(Access.WRITE);
      made.lock(Access.WRITE);
    }
  }

  @Test
  void oneObjectLocksOnce() {
    try (Directory directory = open(temporary)) {
      directory.lock(Access.WRITE);
      assertThatThrownBy(() -> directory.lock(Access.WRITE))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  // ---- What LOCK says

  @Test
  void theFileTellsPidHostAndTime() throws IOException {
    try (Directory directory = open(temporary)) {
      directory.lock(Access.WRITE);
    }
    assertThat(Files.readString(temporary.resolve("LOCK")))
        .matches("pid=\\d+\nhost=\\S+\nsince=\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\n")
        .contains("pid=" + ProcessHandle.current().pid());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "pid=1\nhost=x\nsince=y\n", GARBAGE, "pid=99999999999999999999999"})
  void staleEmptyAndGarbageContentKeepsNobodyOut(String content) throws IOException {
    Path lock = temporary.resolve("LOCK");
    Files.writeString(lock, content + "x".repeat(content.isEmpty() ? 0 : 5000));
    for (Access access : Access.values()) {
      try (Directory directory = open(temporary)) {
        directory.lock(access);
      }
    }
    assertThat(lock)
        .content()
        .startsWith("pid=" + ProcessHandle.current().pid())
        .hasSizeLessThan(200);
  }

  @Test
  void unreadableContentOfAnOwnerIsPidMinusOne() throws IOException {
    Started owner = start(temporary, Access.WRITE);
    assertThat(owner.said).isEqualTo(TAKEN);
    for (String content : List.of("", GARBAGE)) {
      Files.writeString(temporary.resolve("LOCK"), content);
      try (Directory directory = open(temporary)) {
        assertThatExceptionOfType(StoreLockedException.class)
            .isThrownBy(() -> directory.lock(Access.WRITE))
            .withMessageContaining("unknown")
            .satisfies(e -> assertThat(e.pid()).isEqualTo(-1));
      }
    }
  }

  @Test
  void textFromTheFileIsPrintableAndShort() {
    LockOwner owner = LockOwner.parse("pid=-7\nhost=\u001b[2J\nsince=" + "9".repeat(100_000));
    assertThat(owner.pid()).isEqualTo(-1);
    assertThat(owner.toString()).matches("[ -~]{1,300}");
    assertThat(LockOwner.parse("")).isEqualTo(LockOwner.parse(GARBAGE));
    assertThat(LockOwner.parse("since=z\nhost=h\nmore=1\npid=4"))
        .isEqualTo(new LockOwner(4, "h", "z"));
  }

  @ParameterizedTest
  @EnumSource
  void aLockFileThatIsALinkIsRefusedAndNotWrittenThrough(Access access) throws IOException {
    Path theirs = Files.writeString(temporary.resolve("theirs"), "mine");
    Path store = Files.createDirectory(temporary.resolve("store"));
    Files.createSymbolicLink(store.resolve("LOCK"), theirs);
    try (Directory directory = open(store)) {
      assertThatThrownBy(() -> directory.lock(access)).isInstanceOf(StoreIoException.class);
    }
    assertThat(theirs).hasContent("mine");
  }

  @Test
  void aReaderWritesNothing() throws IOException {
    lockOnce();
    byte[] before = Files.readAllBytes(temporary.resolve("LOCK"));
    var time = Files.getLastModifiedTime(temporary.resolve("LOCK"));
    try (Directory directory = DiskDirectory.open(temporary, Access.READ, false)) {
      directory.lock(Access.READ);
    }
    assertThat(temporary.resolve("LOCK")).hasBinaryContent(before);
    assertThat(Files.getLastModifiedTime(temporary.resolve("LOCK"))).isEqualTo(time);
  }

  private void lockOnce() {
    try (Directory first = open(temporary)) {
      first.lock(Access.WRITE);
    }
  }
}

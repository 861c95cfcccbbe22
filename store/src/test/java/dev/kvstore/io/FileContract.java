package dev.kvstore.io;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kvstore.StoreIoException;
import dev.kvstore.StoreLockedException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.assertj.core.data.Index;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What every [Directory] does.
@Timeout(60)
abstract class FileContract {
  private static final String FILE = "0000000001.seg";
  private static final byte[] RANDOM_BYTES = randomBytes();

  private Directory directory;

  /// An empty directory.
  abstract Directory newDirectory() throws IOException;

  /// Another object for the same place.
  abstract Directory beside(Directory directory);

  @BeforeEach
  void open() throws IOException {
    directory = newDirectory();
  }

  @AfterEach
  void close() {
    directory.close();
  }

  // ---- Names

  @Test
  void aNewDirectoryIsEmpty() {
    assertThat(directory.list()).isEmpty();
  }

  @Test
  void aCreatedFileIsListedAndEmpty() {
    try (FileHandle file = directory.create(FILE)) {
      assertThat(file.name()).isEqualTo(FILE);
      assertThat(file.size()).isZero();
    }
    assertThat(directory.list()).containsExactly(FILE);
    assertThat(directory.isFile(FILE)).isTrue();
    assertThatThrownBy(() -> directory.isFile("MANIFEST"))
        .isInstanceOf(StoreIoException.class)
        .hasMessageContaining("MANIFEST");
  }

  @Test
  void creatingWhatIsThereFailsAndHarmsNothing() {
    fileOf(FILE, bytes(10));
    assertThatThrownBy(() -> directory.create(FILE))
        .isInstanceOf(StoreIoException.class)
        .hasMessageContaining(FILE);
    assertThat(contentOf(FILE)).isEqualTo(bytes(10));
  }

  @Test
  void openingWhatIsNotThereFailsAndNamesIt() {
    for (Access access : Access.values()) {
      assertThatThrownBy(() -> directory.open(FILE, access))
          .isInstanceOf(StoreIoException.class)
          .hasMessageContaining(FILE);
    }
    assertThat(directory.list()).isEmpty();
  }

  @Test
  void aRenamedFileHasItsContentUnderTheNewNameOnly() {
    fileOf("MANIFEST.tmp", bytes(100));
    directory.rename("MANIFEST.tmp", "MANIFEST");
    assertThat(directory.list()).containsExactly("MANIFEST");
    assertThat(contentOf("MANIFEST")).isEqualTo(bytes(100));
  }

  @Test
  void renamingReplacesWhatHasTheNewName() {
    fileOf("MANIFEST", bytes(10));
    fileOf("MANIFEST.tmp", bytes(100));
    directory.rename("MANIFEST.tmp", "MANIFEST");
    assertThat(directory.list()).containsExactly("MANIFEST");
    assertThat(contentOf("MANIFEST")).isEqualTo(bytes(100));
  }

  @Test
  void anOpenFileKeepsItsContentWhenItsNameIsTaken() {
    fileOf("MANIFEST", bytes(10));
    try (FileHandle old = directory.open("MANIFEST", Access.READ)) {
      fileOf("MANIFEST.tmp", bytes(100));
      directory.rename("MANIFEST.tmp", "MANIFEST");
      assertThat(read(old, 0, 10)).isEqualTo(bytes(10));
      assertThat(old.name()).isEqualTo("MANIFEST");
    }
  }

  @Test
  void renamingWhatIsNotThereFails() {
    assertThatThrownBy(() -> directory.rename("a", "b")).isInstanceOf(StoreIoException.class);
  }

  @Test
  void aRemovedFileIsGone() {
    fileOf(FILE, bytes(10));
    directory.remove(FILE);
    assertThat(directory.list()).isEmpty();
    assertThatThrownBy(() -> directory.open(FILE, Access.READ))
        .isInstanceOf(StoreIoException.class);
  }

  @Test
  void removingWhatIsNotThereFails() {
    assertThatThrownBy(() -> directory.remove(FILE))
        .isInstanceOf(StoreIoException.class)
        .hasMessageContaining(FILE);
  }

  @Test
  void subdirectoriesAreListedWithASlashAndAreNoFiles() throws IOException {
    Files.createDirectory(directory.path().resolve("photos"));
    assertThat(directory.list()).containsExactly("photos/");
    assertThatThrownBy(() -> directory.open("photos", Access.READ))
        .isInstanceOf(StoreIoException.class)
        .hasMessageContaining("not a regular file");
    assertThatThrownBy(() -> directory.remove("photos")).isInstanceOf(StoreIoException.class);
    assertThat(directory.list()).containsExactly("photos/");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "..",
        "a/b",
        "../a",
        "/etc/passwd",
        "a\\b",
        ".hidden",
        "a\0b",
        "a b",
        "LOCK"
      })
  void namesThatAreNoNamesOfOursAreRefused(String name) {
    assertThatIllegalArgumentException().isThrownBy(() -> directory.create(name));
    assertThatIllegalArgumentException().isThrownBy(() -> directory.open(name, Access.READ));
    assertThatIllegalArgumentException().isThrownBy(() -> directory.remove(name));
    assertThatIllegalArgumentException().isThrownBy(() -> directory.rename(name, "a"));
    assertThatIllegalArgumentException().isThrownBy(() -> directory.rename("a", name));
  }

  @Test
  void linksAreListedButNeverFollowed(@TempDir Path elsewhere) throws IOException {
    Path secret = Files.write(elsewhere.resolve("secret"), bytes(10));
    Files.createSymbolicLink(directory.path().resolve(FILE), secret);
    assertThat(directory.list()).containsExactly(FILE);
    for (Access access : Access.values()) {
      assertThatThrownBy(() -> directory.open(FILE, access))
          .isInstanceOf(StoreIoException.class)
          .hasMessageContaining("symbolic link");
    }
    assertThat(directory.isFile(FILE)).isFalse();
    assertThatThrownBy(() -> directory.create(FILE)).isInstanceOf(StoreIoException.class);
    assertThat(Files.exists(directory.path().resolve(FILE), LinkOption.NOFOLLOW_LINKS)).isTrue();
    assertThat(secret).hasBinaryContent(bytes(10));
  }

  // ---- Contents

  @Test
  void whatWasWrittenIsRead() {
    try (FileHandle file = directory.create(FILE)) {
      file.write(0, MemorySegment.ofArray(bytes(5000)));
      file.write(100, MemorySegment.ofArray(new byte[] {1, 2, 3}));
      byte[] expected = bytes(5000);
      System.arraycopy(new byte[] {1, 2, 3}, 0, expected, 100, 3);
      assertThat(file.size()).isEqualTo(5000);
      assertThat(read(file, 0, 5000)).isEqualTo(expected);
      assertThat(read(file, 99, 5)).isEqualTo(Arrays.copyOfRange(expected, 99, 104));
    }
  }

  @Test
  void moreThanOneBufferIsWrittenAndReadAsAWhole() {
    byte[] large = bytes((3 << 20) + 17);
    try (FileHandle file = directory.create(FILE);
        Arena arena = Arena.ofConfined()) {
      MemorySegment outside = arena.allocate(large.length);
      MemorySegment.copy(large, 0, outside, JAVA_BYTE, 0, large.length);
      file.write(5, outside);
      assertThat(file.size()).isEqualTo(5 + large.length);
      assertThat(read(file, 5, large.length)).isEqualTo(large);
    }
  }

  @Test
  void aReadGoesWhereItIsTold() {
    try (FileHandle file = directory.create(FILE)) {
      file.write(0, MemorySegment.ofArray(bytes(10)));
      byte[] target = new byte[10];
      file.read(2, target, 3, 4);
      byte[] expected = new byte[10];
      System.arraycopy(bytes(10), 2, expected, 3, 4);
      assertThat(target).isEqualTo(expected);
    }
  }

  @Test
  void aReadFillsMemoryOfAnyKind() {
    byte[] large = bytes((2 << 20) + 77);
    try (FileHandle file = directory.create(FILE);
        Arena arena = Arena.ofShared()) {
      file.write(0, MemorySegment.ofArray(large));
      MemorySegment outside = arena.allocate(large.length - 5);
      file.read(5, outside);
      assertThat(outside.toArray(JAVA_BYTE)).isEqualTo(Arrays.copyOfRange(large, 5, large.length));
      byte[] inside = new byte[100];
      file.read(7, MemorySegment.ofArray(inside).asSlice(10, 20));
      byte[] expected = new byte[100];
      System.arraycopy(large, 7, expected, 10, 20);
      assertThat(inside).isEqualTo(expected);
      file.read(large.length, outside.asSlice(0, 0));
      assertThatThrownBy(() -> file.read(6, outside.asSlice(0, large.length - 5)))
          .isInstanceOf(StoreIoException.class)
          .hasMessageContaining(FILE)
          .hasMessageContaining("ends");
    }
  }

  @Test
  void aReadBeyondTheEndFailsAndSaysWhereTheFileEnds() {
    try (FileHandle file = directory.create(FILE)) {
      file.write(0, MemorySegment.ofArray(bytes(10)));
      for (long offset : new long[] {8, 10, 1_000_000}) {
        assertThatThrownBy(() -> file.read(offset, new byte[4], 0, 4))
            .isInstanceOf(StoreIoException.class)
            .hasMessageContaining(FILE)
            .hasMessageContaining("ends");
      }
      file.read(10, new byte[4], 0, 0);
    }
  }

  @Test
  void aFileThatWasClosedIsAsItWasLeft() {
    fileOf(FILE, bytes(3000));
    assertThat(contentOf(FILE)).isEqualTo(bytes(3000));
  }

  @Test
  void anEmptyWriteChangesNothing() {
    try (FileHandle file = directory.create(FILE)) {
      file.write(100, MemorySegment.ofArray(new byte[0]));
      assertThat(file.size()).isZero();
    }
  }

  @Test
  void fillZeroLengthensAndKeepsWhatIsBefore() {
    try (FileHandle file = directory.create(FILE)) {
      file.write(0, MemorySegment.ofArray(bytes(3000)));
      file.fillZero(1000, 5000);
      assertThat(file.size()).isEqualTo(5000);
      byte[] expected = Arrays.copyOf(Arrays.copyOf(bytes(3000), 1000), 5000);
      assertThat(read(file, 0, 5000)).isEqualTo(expected);
    }
  }

  @Test
  void fillZeroInTheMiddleKeepsWhatIsBehind() {
    try (FileHandle file = directory.create(FILE)) {
      file.write(0, MemorySegment.ofArray(bytes(3000)));
      file.fillZero(1000, 2000);
      byte[] expected = bytes(3000);
      Arrays.fill(expected, 1000, 2000, (byte) 0);
      assertThat(read(file, 0, 3000)).isEqualTo(expected);
      assertThat(file.size()).isEqualTo(3000);
    }
  }

  @Test
  void fillZeroOfNothingChangesNothing() {
    try (FileHandle file = directory.create(FILE)) {
      file.write(0, MemorySegment.ofArray(bytes(10)));
      file.fillZero(10, 10);
      file.fillZero(10, 5);
      assertThat(read(file, 0, 10)).isEqualTo(bytes(10));
      assertThat(file.size()).isEqualTo(10);
    }
  }

  @Test
  void fillZeroReachesMoreThanOneBuffer() {
    try (FileHandle file = directory.create(FILE)) {
      file.fillZero(0, (2 << 20) + 4096);
      assertThat(read(file, 0, (2 << 20) + 4096)).containsOnly(0);
    }
  }

  @Test
  void cutShortensAndNeverLengthens() {
    try (FileHandle file = directory.create(FILE)) {
      file.write(0, MemorySegment.ofArray(bytes(5000)));
      file.cut(100);
      assertThat(file.size()).isEqualTo(100);
      assertThat(read(file, 0, 100)).isEqualTo(bytes(100));
      file.cut(100);
      file.cut(5000);
      assertThat(file.size()).isEqualTo(100);
      file.fillZero(100, 200);
      assertThat(Arrays.copyOfRange(read(file, 0, 200), 100, 200)).containsOnly(0);
    }
  }

  @Test
  void forcingChangesNothingThatIsRead() {
    try (FileHandle file = directory.create(FILE)) {
      file.write(0, MemorySegment.ofArray(bytes(5000)));
      file.force();
      directory.force();
      assertThat(read(file, 0, 5000)).isEqualTo(bytes(5000));
    }
  }

  @Test
  void aRangeOfAMappingIsForcedFromAThreadThatIsInterrupted() {
    try (FileHandle file = directory.create(FILE);
        Arena arena = Arena.ofShared()) {
      file.fillZero(0, 3 * 4096);
      MemorySegment mapped = file.map(3 * 4096, Access.WRITE, arena);
      mapped.set(JAVA_BYTE, 5000, (byte) 7);
      Thread.currentThread().interrupt();
      file.force(mapped, 5000, 5001);
      file.force(mapped, 0, 3 * 4096);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(read(file, 5000, 1)).containsExactly(7);
      file.force();
    }
  }

  @Test
  void zerosAreZerosWhateverTheyAreFor() {
    for (Preallocation preallocation : Preallocation.values()) {
      String name = "zeros-" + preallocation.ordinal();
      try (FileHandle file = directory.create(name)) {
        file.write(0, MemorySegment.ofArray(bytes(100)));
        file.fillZero(100, (4 << 20) + 100, preallocation);
        assertThat(file.size()).isEqualTo((4 << 20) + 100);
        assertThat(read(file, 0, 100)).isEqualTo(bytes(100));
        assertThat(read(file, 100, 4 << 20)).containsOnly(0);
      }
    }
  }

  @Test
  void aFileOpenedForReadingTakesNoWrites() {
    fileOf(FILE, bytes(10));
    try (FileHandle file = directory.open(FILE, Access.READ)) {
      assertThatThrownBy(() -> file.write(0, MemorySegment.ofArray(bytes(5))))
          .isInstanceOf(RuntimeException.class);
      assertThatThrownBy(() -> file.cut(0)).isInstanceOf(RuntimeException.class);
    }
    assertThat(contentOf(FILE)).isEqualTo(bytes(10));
  }

  @Test
  void closingTwiceDoesNothing() {
    FileHandle file = directory.create(FILE);
    file.close();
    file.close();
    assertThatThrownBy(file::size).isInstanceOf(StoreIoException.class);
  }

  // ---- Mappings

  @Test
  void whatIsWrittenThroughAMappingIsReadFromTheFileAndFromOtherMappings() {
    try (FileHandle file = directory.create(FILE);
        Arena arena = Arena.ofShared()) {
      file.fillZero(0, 8192);
      MemorySegment writing = file.map(8192, Access.WRITE, arena);
      MemorySegment reading = file.map(4096, Access.READ, arena);
      writing.set(JAVA_LONG_UNALIGNED, 1001, 42);
      assertThat(reading.get(JAVA_LONG_UNALIGNED, 1001)).isEqualTo(42);
      assertThat(MemorySegment.ofArray(read(file, 1001, 8)).get(JAVA_LONG_UNALIGNED, 0))
          .isEqualTo(42);
      file.write(5000, MemorySegment.ofArray(new byte[] {7}));
      assertThat(writing.get(JAVA_BYTE, 5000)).isEqualTo((byte) 7);
      file.force();
    }
    assertThat(contentOf(FILE)).hasSize(8192).contains(7, Index.atIndex(5000));
  }

  @Test
  void aMappingOutlivesItsHandleAndItsName() {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment mapped;
      try (FileHandle file = directory.create(FILE)) {
        file.write(0, MemorySegment.ofArray(bytes(100)));
        mapped = file.map(100, Access.READ, arena);
      }
      directory.remove(FILE);
      assertThat(mapped.toArray(JAVA_BYTE)).isEqualTo(bytes(100));
    }
  }

  @Test
  void aMappingDiesWithItsArena() {
    try (FileHandle file = directory.create(FILE)) {
      file.fillZero(0, 4096);
      Arena arena = Arena.ofShared();
      MemorySegment mapped = file.map(4096, Access.WRITE, arena);
      arena.close();
      assertThatIllegalStateException().isThrownBy(() -> mapped.get(JAVA_BYTE, 0));
    }
  }

  @Test
  void aMappingForReadingCannotBeWritten() {
    try (FileHandle file = directory.create(FILE);
        Arena arena = Arena.ofShared()) {
      file.fillZero(0, 4096);
      MemorySegment mapped = file.map(4096, Access.READ, arena);
      assertThat(mapped.isReadOnly()).isTrue();
      assertThatThrownBy(() -> mapped.set(JAVA_BYTE, 0, (byte) 1))
          .isInstanceOf(RuntimeException.class);
    }
  }

  @Test
  void aMappingHasExactlyTheSizeAskedForAlsoNone() {
    try (FileHandle file = directory.create(FILE);
        Arena arena = Arena.ofShared()) {
      file.fillZero(0, 5000);
      for (long size : new long[] {0, 1, 4095, 4096, 4097, 5000}) {
        assertThat(file.map(size, Access.READ, arena).byteSize()).isEqualTo(size);
        assertThat(file.map(size, Access.WRITE, arena).byteSize()).isEqualTo(size);
      }
    }
  }

  @Test
  void nothingIsMappedBeyondTheEndOfTheFileAndTheFileKeepsItsSize() {
    try (FileHandle file = directory.create(FILE);
        Arena arena = Arena.ofShared()) {
      file.fillZero(0, 5000);
      for (Access access : Access.values()) {
        assertThatThrownBy(() -> file.map(5001, access, arena))
            .isInstanceOf(StoreIoException.class)
            .hasMessageContaining("5000");
      }
      assertThat(file.size()).isEqualTo(5000);
    }
  }

  // ---- The lock

  @Test
  void aCopyOfARangeCanBeWrittenAndChangesNoFile() {
    byte[] content = bytes(5 * 4096);
    fileOf(FILE, content);
    for (long offset : new long[] {0, 4096, 1000}) {
      try (Arena arena = Arena.ofShared()) {
        MemorySegment copy;
        try (FileHandle file = directory.openForCopies(FILE)) {
          copy = file.mapCopy(offset, 8192, arena);
        }
        byte[] range = Arrays.copyOfRange(content, (int) offset, (int) offset + 8192);
        assertThat(copy.toArray(JAVA_BYTE)).isEqualTo(range);
        copy.fill((byte) 1);
        assertThat(copy.toArray(JAVA_BYTE)).containsOnly(1);
      }
      assertThat(contentOf(FILE)).isEqualTo(content);
    }
  }

  @Test
  void aFileThatIsOpenForReadingCanBeCopiedToo() {
    fileOf(FILE, bytes(8192));
    try (Arena arena = Arena.ofShared();
        FileHandle file = directory.open(FILE, Access.READ)) {
      MemorySegment copy = file.mapCopy(4096, 4096, arena);
      assertThat(copy.toArray(JAVA_BYTE)).isEqualTo(Arrays.copyOfRange(bytes(8192), 4096, 8192));
      copy.fill((byte) 1);
    }
    assertThat(contentOf(FILE)).isEqualTo(bytes(8192));
  }

  @Test
  void nothingIsCopiedFromBeyondTheEndOfTheFileAndTheFileKeepsItsSize() {
    fileOf(FILE, bytes(5000));
    try (Arena arena = Arena.ofShared();
        FileHandle file = directory.openForCopies(FILE)) {
      for (long offset : new long[] {4096, 8192, 1000}) {
        assertThatThrownBy(() -> file.mapCopy(offset, 4096, arena))
            .isInstanceOf(StoreIoException.class)
            .hasMessageContaining(FILE);
      }
      assertThat(file.size()).isEqualTo(5000);
    }
  }

  @Test
  void aSecondWriterIsRefusedAndToldWhoHasIt() {
    directory.lock(Access.WRITE);
    try (Directory second = beside(directory)) {
      for (Access access : Access.values()) {
        assertThatExceptionOfType(StoreLockedException.class)
            .isThrownBy(() -> second.lock(access))
            .withMessageContaining(Long.toString(ProcessHandle.current().pid()))
            .withMessageContaining(directory.path().toString())
            .satisfies(e -> assertThat(e.pid()).isEqualTo(ProcessHandle.current().pid()));
      }
    }
  }

  @Test
  void readersShareAndKeepWritersOut() {
    lockOnce();
    directory.lock(Access.READ);
    try (Directory second = beside(directory);
        Directory writer = beside(directory)) {
      second.lock(Access.READ);
      assertThatExceptionOfType(StoreLockedException.class)
          .isThrownBy(() -> writer.lock(Access.WRITE));
      directory.close();
      assertThatExceptionOfType(StoreLockedException.class)
          .isThrownBy(() -> writer.lock(Access.WRITE));
      second.close();
      writer.lock(Access.WRITE);
    }
  }

  @Test
  void aReaderLocksWithoutALockFileAndMakesNone() {
    directory.lock(Access.READ);
    assertThat(directory.list()).isEmpty();
    try (Directory writer = beside(directory)) {
      assertThatExceptionOfType(StoreLockedException.class)
          .isThrownBy(() -> writer.lock(Access.WRITE));
    }
    assertThat(directory.list()).isEmpty();
  }

  @Test
  void aLockGivenBackCanBeTakenAtOnce() {
    for (int i = 0; i < 50; i++) {
      try (Directory next = beside(directory)) {
        next.lock(i % 3 == 0 ? Access.READ : Access.WRITE);
      }
    }
  }

  @Test
  void closingWhatNeverHadTheLockLeavesItWithItsOwner() {
    directory.lock(Access.WRITE);
    Directory second = beside(directory);
    assertThatExceptionOfType(StoreLockedException.class)
        .isThrownBy(() -> second.lock(Access.WRITE));
    second.close();
    second.close();
    try (Directory third = beside(directory)) {
      assertThatExceptionOfType(StoreLockedException.class)
          .isThrownBy(() -> third.lock(Access.WRITE));
    }
  }

  private void lockOnce() {
    try (Directory first = beside(directory)) {
      first.lock(Access.WRITE);
    }
  }

  // ---- Helpers

  private void fileOf(String name, byte[] content) {
    try (FileHandle file = directory.create(name)) {
      file.write(0, MemorySegment.ofArray(content));
    }
  }

  private byte[] contentOf(String name) {
    try (FileHandle file = directory.open(name, Access.READ)) {
      return read(file, 0, (int) file.size());
    }
  }

  private static byte[] read(FileHandle file, long offset, int length) {
    byte[] bytes = new byte[length];
    file.read(offset, bytes, 0, length);
    return bytes;
  }

  /// The first of one sequence of bytes that repeats nowhere.
  private static byte[] bytes(int count) {
    return Arrays.copyOf(RANDOM_BYTES, count);
  }

  private static byte[] randomBytes() {
    byte[] bytes = new byte[4 << 20];
    new Random(7).nextBytes(bytes);
    return bytes;
  }
}

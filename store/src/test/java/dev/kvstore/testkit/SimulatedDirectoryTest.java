package dev.kvstore.testkit;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.StoreIoException;
import dev.kvstore.io.Access;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Whoever believes a crash test believes this disk first.
class SimulatedDirectoryTest {
  private static final byte[] OLD = filled(8192, 'o');
  private static final byte[] NEW = filled(8192, 'n');

  private final SplittableRandom random = new SplittableRandom(7);
  private final List<SimulatedDirectory> disks = new ArrayList<>();

  private SimulatedDirectory mount(DiskImage image) {
    disks.add(image.mount());
    return disks.getLast();
  }

  private SimulatedDirectory empty() {
    return mount(DiskImage.of(Map.of()));
  }

  @AfterEach
  void discard() {
    disks.forEach(SimulatedDirectory::discard);
  }

  // ---- What power loss takes

  @Test
  void whatWasForcedStaysWithItsNameOnlyIfTheDirectoryWasForcedToo() {
    SimulatedDirectory disk = empty();
    try (FileHandle file = disk.create("a")) {
      file.write(0, MemorySegment.ofArray(NEW));
      file.force();
    }
    assertThat(lost(disk, PowerLoss.NONE).files()).isEmpty();
    assertThat(lost(disk, PowerLoss.ALL).files()).containsEntry("a", NEW);
    disk.force();
    assertThat(lost(disk, PowerLoss.NONE).files()).containsEntry("a", NEW);
  }

  @Test
  void unforcedBytesGoAlsoThoseWrittenThroughAMapping() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    try (FileHandle file = disk.open("a", Access.WRITE);
        Arena arena = Arena.ofShared()) {
      MemorySegment mapped = file.map(8192, Access.WRITE, arena);
      mapped.fill((byte) 'n');
      assertThat(lost(disk, PowerLoss.NONE).files()).containsEntry("a", OLD);
      assertThat(lost(disk, PowerLoss.ALL).files()).containsEntry("a", NEW);
      file.force();
      assertThat(lost(disk, PowerLoss.NONE).files()).containsEntry("a", NEW);
      mapped.set(JAVA_BYTE, 0, (byte) 'x');
      assertThat(lost(disk, PowerLoss.NONE).files()).containsEntry("a", NEW);
    }
  }

  @Test
  void aKillTakesNothingButLeavesTheRestUnforced() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    write(disk, "a", NEW);
    SimulatedDirectory next = disk.restart();
    disks.add(next);
    assertThat(next.image().files()).containsEntry("a", NEW);
    assertThat(lost(next, PowerLoss.NONE).files()).containsEntry("a", OLD);
    try (FileHandle file = next.open("a", Access.WRITE)) {
      file.force();
    }
    assertThat(lost(next, PowerLoss.NONE).files()).containsEntry("a", NEW);
  }

  @ParameterizedTest
  @EnumSource(names = {"SECTORS", "PREFIX", "PAGES"})
  void aSubsetHasEverySectorEitherOldOrNewAndAllSubsetsCome(PowerLoss mode) {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    write(disk, "a", NEW);
    int unit = mode == PowerLoss.PAGES ? 4096 : 512;
    Set<Integer> counts = new HashSet<>();
    for (int round = 0; round < 400; round++) {
      byte[] left = disk.image().afterPowerLoss(mode, random).files().get("a");
      int arrived = 0;
      boolean before = true;
      for (int at = 0; at < left.length; at += unit) {
        byte[] piece = Arrays.copyOfRange(left, at, at + unit);
        boolean isNew = Arrays.equals(piece, filled(unit, 'n'));
        assertThat(isNew || Arrays.equals(piece, filled(unit, 'o'))).isTrue();
        assertThat(mode == PowerLoss.PREFIX && isNew && !before).isFalse();
        before = isNew;
        arrived += isNew ? 1 : 0;
      }
      counts.add(arrived);
    }
    assertThat(counts).hasSizeGreaterThan(mode == PowerLoss.PAGES ? 2 : 8);
  }

  @Test
  void theLastOnlyLeavesAHole() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    write(disk, "a", NEW);
    byte[] expected = OLD.clone();
    Arrays.fill(expected, 8192 - 512, 8192, (byte) 'n');
    assertThat(lost(disk, PowerLoss.LAST_ONLY).files()).containsEntry("a", expected);
  }

  @Test
  void aFileMayBeLongWithoutItsData() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", new byte[0], "b", OLD)));
    write(disk, "a", NEW);
    boolean zeros = false;
    boolean garbage = false;
    boolean stale = false;
    for (int round = 0; round < 50; round++) {
      byte[] left =
          disk.image().afterPowerLoss(PowerLoss.SIZE_WITHOUT_DATA, random).files().get("a");
      assertThat(left).hasSize(8192);
      assertThat(Arrays.equals(left, NEW)).isFalse();
      zeros |= Arrays.equals(left, new byte[8192]);
      stale |= Arrays.equals(left, OLD);
      garbage |= !Arrays.equals(left, new byte[8192]) && !Arrays.equals(left, OLD);
    }
    assertThat(List.of(zeros, garbage, stale)).containsOnly(true);
  }

  @Test
  void aRenameThatWasNotForcedIsThereOrNotNeverHalf() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("MANIFEST", OLD)));
    try (FileHandle file = disk.create("MANIFEST.tmp")) {
      file.write(0, MemorySegment.ofArray(NEW));
      file.force();
    }
    disk.rename("MANIFEST.tmp", "MANIFEST");
    Set<Set<String>> names = new HashSet<>();
    for (int round = 0; round < 100; round++) {
      Map<String, byte[]> left = disk.image().afterPowerLoss(PowerLoss.SECTORS, random).files();
      assertThat(left.get("MANIFEST")).isIn(OLD, NEW);
      names.add(left.keySet());
    }
    assertThat(names).containsOnly(Set.of("MANIFEST"), Set.of("MANIFEST", "MANIFEST.tmp"));
    disk.force();
    assertThat(lost(disk, PowerLoss.NONE).files()).containsOnlyKeys("MANIFEST");
    assertThat(lost(disk, PowerLoss.NONE).files()).containsEntry("MANIFEST", NEW);
  }

  @Test
  void aRemovedFileMayComeBackWithItsContent() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    disk.remove("a");
    assertThat(disk.image().files()).isEmpty();
    assertThat(lost(disk, PowerLoss.NONE).files()).containsEntry("a", OLD);
    assertThat(lost(disk, PowerLoss.ALL).files()).isEmpty();
    disk.force();
    assertThat(lost(disk, PowerLoss.NONE).files()).isEmpty();
  }

  @Test
  void aCutThatWasNotForcedMayBeUndone() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    try (FileHandle file = disk.open("a", Access.WRITE)) {
      file.cut(100);
      assertThat(lost(disk, PowerLoss.NONE).files().get("a")).hasSize(8192);
      assertThat(lost(disk, PowerLoss.ALL).files().get("a")).hasSize(100);
      file.force();
    }
    assertThat(lost(disk, PowerLoss.NONE).files().get("a")).hasSize(100);
  }

  @Test
  void theSystemMayWriteBackByItself() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    write(disk, "a", NEW);
    disk.writeBack(random);
    assertThat(lost(disk, PowerLoss.NONE).files().get("a")).isNotEqualTo(OLD).isNotEqualTo(NEW);
  }

  @Test
  void eachPrefixOfTheChangesIsThereOnce() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    write(disk, "a", NEW);
    disk.create("b").close();
    disk.create("c").close();
    Set<Integer> sectors = new HashSet<>();
    Set<Set<String>> names = new HashSet<>();
    for (DiskImage image : disk.image().afterEachPrefix()) {
      byte[] left = image.files().get("a");
      int arrived = 0;
      while (arrived < left.length && left[arrived] == 'n') {
        arrived++;
      }
      assertThat(arrived % 512).isZero();
      for (int at = arrived; at < left.length; at++) {
        assertThat(left[at]).isEqualTo((byte) 'o');
      }
      sectors.add(arrived / 512);
      names.add(image.files().keySet());
    }
    assertThat(sectors).hasSize(8192 / 512 + 1);
    assertThat(names).containsOnly(Set.of("a"), Set.of("a", "b"), Set.of("a", "b", "c"));
  }

  @Test
  void eachSetOfNamesIsThere() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    disk.create("b").close();
    disk.rename("a", "c");
    Set<Set<String>> names = new HashSet<>();
    disk.image()
        .afterEachSetOfNames(16, random)
        .forEach(image -> names.add(image.files().keySet()));
    assertThat(names).containsOnly(Set.of("a"), Set.of("a", "b"), Set.of("c"), Set.of("b", "c"));
  }

  @Test
  void imagesAreTheSameIfNothingCouldTellThemApart() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    String before = disk.image().fingerprint();
    assertThat(disk.image().fingerprint()).isEqualTo(before);
    write(disk, "a", NEW);
    String unforced = disk.image().fingerprint();
    disk.open("a", Access.WRITE).force();
    String forced = disk.image().fingerprint();
    disk.create("b").close();
    String named = disk.image().fingerprint();
    disk.force();
    assertThat(Set.of(before, unforced, forced, named, disk.image().fingerprint())).hasSize(5);
    assertThat(DiskImage.of(Map.of("a", NEW)).fingerprint()).isEqualTo(forced);
  }

  @Test
  void anObserverSeesWhatACrashInsideACallWouldLeave() {
    SimulatedDirectory disk = empty();
    List<Integer> sizes = new ArrayList<>();
    disk.observe((call, halfWay) -> {
      if (call.operation().equals("fillZero")) {
        sizes.add(disk.image().files().get("a").length);
      }
    });
    script(disk);
    assertThat(sizes).containsExactly(0, 4096);
  }

  // ---- A force that fails

  @Test
  void whatAFailedForceDroppedIsNotWrittenByTheNextOneThatSucceeds() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    write(disk, "a", NEW);
    try (FileHandle file = disk.open("a", Access.WRITE)) {
      disk.failAt(disk.calls() + 1, Fault.IO_ERROR);
      assertThatExceptionOfType(StoreIoException.class).isThrownBy(file::force);
      file.force();
      assertThat(disk.image().files()).as("memory has it").containsEntry("a", NEW);
      assertThat(lost(disk, PowerLoss.ALL).files()).containsEntry("a", OLD);
      file.write(0, MemorySegment.ofArray(new byte[] {'x'}));
      file.force();
      byte[] left = lost(disk, PowerLoss.NONE).files().get("a");
      assertThat(left[0]).isEqualTo((byte) 'x');
      assertThat(left[4095]).as("the page that was written again").isEqualTo((byte) 'n');
      assertThat(left[4096]).as("the page that was not").isEqualTo((byte) 'o');
    }
  }

  @Test
  void aFailedForceOfARangeDropsItsPagesAndNoOthers() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    try (FileHandle file = disk.open("a", Access.WRITE);
        Arena arena = Arena.ofShared()) {
      MemorySegment mapped = file.map(8192, Access.WRITE, arena);
      mapped.fill((byte) 'n');
      disk.failAt(disk.calls() + 1, Fault.IO_ERROR);
      assertThatExceptionOfType(StoreIoException.class)
          .isThrownBy(() -> file.force(mapped, 0, 4096));
      file.force(mapped, 0, 8192);
      byte[] left = lost(disk, PowerLoss.NONE).files().get("a");
      assertThat(left[0]).as("dropped").isEqualTo((byte) 'o');
      assertThat(left[4096]).as("still waiting, then forced").isEqualTo((byte) 'n');
    }
  }

  @Test
  void namesThatAFailedForceDroppedStayLost() {
    SimulatedDirectory disk = empty();
    disk.create("a").close();
    disk.failAt(disk.calls() + 1, Fault.IO_ERROR);
    assertThatExceptionOfType(StoreIoException.class).isThrownBy(disk::force);
    disk.force();
    assertThat(disk.list()).containsExactly("a");
    assertThat(lost(disk, PowerLoss.ALL).files()).isEmpty();
  }

  // ---- Calls

  @Test
  void everyCallThatCouldFailHasANumberAndFailsWhenTold() {
    SimulatedDirectory whole = empty();
    int calls = script(whole);
    List<Call> log = whole.log();
    assertThat(calls).isEqualTo(13);
    assertThat(log.stream().map(Call::operation))
        .contains("create", "open", "list", "size", "read", "write", "fillZero", "cut")
        .contains("force", "map", "rename", "remove");
    for (Fault fault : Fault.values()) {
      for (Call call : log) {
        SimulatedDirectory disk = empty().failAt(call.number(), fault);
        if (!fault.hits(call)) {
          assertThat(script(disk)).isEqualTo(calls);
          continue;
        }
        boolean noSpace = fault.name().startsWith("NO_SPACE") && !call.operation().equals("force");
        assertThatExceptionOfType(StoreIoException.class)
            .isThrownBy(() -> script(disk))
            .withMessageContaining(call + ":")
            .satisfies(e -> assertThat(e.isNoSpace()).isEqualTo(noSpace));
        assertThat(disk.calls()).isEqualTo(call.number());
        assertThat(disk.failures()).isEqualTo(1);
      }
    }
  }

  @Test
  void everyCallCanBeTheLast() {
    int calls = script(empty());
    for (int call = 1; call <= calls; call++) {
      SimulatedDirectory disk = empty().crashAt(call);
      assertThatExceptionOfType(SimulatedCrash.class).isThrownBy(() -> script(disk));
      assertThat(disk.hasCrashed()).isTrue();
      assertThatExceptionOfType(SimulatedCrash.class).isThrownBy(disk::list);
      assertThatExceptionOfType(SimulatedCrash.class).isThrownBy(() -> disk.create("z"));
      assertThat(disk.image().files()).doesNotContainKey("z");
      disk.close();
    }
  }

  @Test
  void aCrashBeforeACallAndOneHalfWayDifferByHalfOfTheBytes() {
    for (int arrived : new int[] {0, 4096}) {
      SimulatedDirectory disk = empty();
      if (arrived == 0) {
        disk.crashAt(2);
      } else {
        disk.crashHalfWayAt(2);
      }
      assertThatExceptionOfType(SimulatedCrash.class).isThrownBy(() -> script(disk));
      assertThat(disk.image().files().get("a")).hasSize(arrived);
    }
  }

  @Test
  void whatIsWrittenAfterTheCrashIsNotInItsImage() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    try (Arena arena = Arena.ofShared();
        FileHandle file = disk.open("a", Access.WRITE)) {
      MemorySegment mapped = file.map(8192, Access.WRITE, arena);
      disk.crashAt(disk.calls() + 1);
      assertThatExceptionOfType(SimulatedCrash.class).isThrownBy(disk::force);
      mapped.fill((byte) 'n');
    }
    assertThat(disk.image().files()).containsEntry("a", OLD);
  }

  @Test
  void aForcedRangeReachesTheDiskAndOtherPagesDoNot() {
    SimulatedDirectory disk = empty();
    try (FileHandle file = disk.create("a");
        Arena arena = Arena.ofShared()) {
      file.fillZero(0, 5 * 4096);
      MemorySegment mapped = file.map(5 * 4096, Access.WRITE, arena);
      mapped.fill((byte) 'n');
      file.force(mapped, 2 * 4096 - 1, 2 * 4096 + 1);
      disk.force();
      byte[] left = lost(disk, PowerLoss.NONE).files().get("a");
      assertThat(left).hasSize(3 * 4096);
      assertThat(Arrays.copyOfRange(left, 0, 4096)).containsOnly(0);
      assertThat(Arrays.copyOfRange(left, 4096, 3 * 4096)).containsOnly('n');
    }
  }

  @Test
  void halfOfTheBytesAreReadAndWrittenBeforeAnError() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    disk.failWhen(call -> true, Fault.IO_ERROR_HALF_WAY);
    byte[] target = new byte[8192];
    try (FileHandle file = disk.open("a", Access.WRITE)) {
      assertThatExceptionOfType(StoreIoException.class)
          .isThrownBy(() -> file.write(0, MemorySegment.ofArray(NEW)));
      assertThatExceptionOfType(StoreIoException.class)
          .isThrownBy(() -> file.read(0, target, 0, 8192));
    }
    byte[] half = OLD.clone();
    Arrays.fill(half, 0, 4096, (byte) 'n');
    assertThat(disk.image().files()).containsEntry("a", half);
    assertThat(Arrays.copyOf(target, 4096)).containsOnly('n');
    assertThat(Arrays.copyOfRange(target, 4096, 8192)).containsOnly(0);
  }

  @Test
  void halfOfTheBytesArriveOnADiskThatFillsUp() {
    SimulatedDirectory disk = empty();
    try (FileHandle file = disk.create("a")) {
      disk.failFrom(2, Fault.NO_SPACE_HALF_WAY);
      assertThatExceptionOfType(StoreIoException.class).isThrownBy(() -> file.fillZero(0, 8192));
      disk.heal();
      assertThat(file.size()).isEqualTo(4096);
    }
  }

  @Test
  void aReaderThatWritesIsCaught() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    disk.lock(Access.READ);
    disk.open("a", Access.READ).close();
    assertThatExceptionOfType(AssertionError.class).isThrownBy(() -> disk.create("b"));
    assertThatExceptionOfType(AssertionError.class).isThrownBy(() -> disk.open("a", Access.WRITE));
    assertThatExceptionOfType(AssertionError.class).isThrownBy(() -> disk.remove("a"));
    assertThatExceptionOfType(AssertionError.class).isThrownBy(disk::force);
  }

  @Test
  void whatIsStillOpenOrMappedIsKnownAndEndsWithTheDisk() {
    SimulatedDirectory disk = mount(DiskImage.of(Map.of("a", OLD)));
    Arena arena = Arena.ofShared();
    FileHandle file = disk.open("a", Access.READ);
    file.map(100, Access.READ, arena);
    assertThat(disk.open()).containsExactly("a open for READ", "a mapped");
    file.close();
    assertThat(disk.open()).containsExactly("a mapped");
    disk.discard();
    assertThat(arena.scope().isAlive()).isFalse();
    assertThat(disk.open()).isEmpty();
    assertThat(disk.path()).doesNotExist();
  }

  // ---- Helpers

  private static int script(SimulatedDirectory disk) {
    FileHandle file = disk.create("a");
    try (file;
        Arena arena = Arena.ofShared()) {
      file.fillZero(0, 8192);
      file.size();
      file.write(0, MemorySegment.ofArray(NEW));
      file.read(0, new byte[10], 0, 10);
      file.map(10, Access.READ, arena);
      file.cut(100);
      file.force();
    }
    disk.rename("a", "b");
    disk.open("b", Access.READ).close();
    disk.force();
    disk.list();
    disk.remove("b");
    return disk.calls();
  }

  private static void write(SimulatedDirectory disk, String name, byte[] content) {
    try (FileHandle file = disk.open(name, Access.WRITE)) {
      file.write(0, MemorySegment.ofArray(content));
    }
  }

  private DiskImage lost(SimulatedDirectory disk, PowerLoss mode) {
    return disk.image().afterPowerLoss(mode, random);
  }

  private static byte[] filled(int count, char content) {
    byte[] bytes = new byte[count];
    Arrays.fill(bytes, (byte) content);
    return bytes;
  }
}

package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.RecoveryReport.IndexSource;
import dev.kvstore.RecoveryReport.Outcome;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Fault;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Files that are missing, swapped, brought back from earlier, or not ours at all.
@Timeout(120)
class MeddlingTest {
  private static final Options OPTIONS =
      Simulation.tiny(Durability.ALWAYS).toBuilder().compaction(CompactionPolicy.manual()).build();

  /// One store at several moments of its life; each closed, and each with what it held.
  private record Moment(DiskImage image, StoreModel model) {}

  private static final List<Moment> MOMENTS = new ArrayList<>();

  @BeforeAll
  static void live() {
    SplittableRandom random = new SplittableRandom(17);
    SimulatedDirectory disk = SimulatedDirectory.empty();
    StoreModel model = new StoreModel();
    for (int session = 0; session < 5; session++) {
      KvStore store = Simulation.open(disk, OPTIONS);
      ModelledStore modelled = new ModelledStore(store, model);
      for (int step = 0; step < 50; step++) {
        modelled.step(random);
      }
      if (session == 3) {
        modelled.compact();
      }
      store.close();
      MOMENTS.add(new Moment(disk.image(), model.copy()));
    }
    disk.discard();
  }

  private static Moment now() {
    return MOMENTS.getLast();
  }

  private static List<String> names(Moment moment, String suffix) {
    return moment.image().files().keySet().stream().filter(n -> n.endsWith(suffix)).toList();
  }

  /// Opens and expects everything to be right; returns the report.
  private static RecoveryReport opens(DiskImage image, StoreModel model) {
    SimulatedDirectory disk = image.mount();
    try {
      KvStore store = Simulation.open(disk, OPTIONS);
      model.copy().checkAfterKill(store);
      RecoveryReport report = store.recovery();
      store.put("and", "goes on");
      store.close();
      KvStore again = Simulation.open(disk, OPTIONS);
      assertThat(again.getString("and")).contains("goes on");
      assertThat(again.recovery().damages()).isEmpty();
      again.close();
      return report;
    } finally {
      disk.discard();
    }
  }

  /// Opening refuses, and changes no file.
  private static void refuses(
      DiskImage image, Class<? extends StoreException> type, String... messages) {
    SimulatedDirectory disk = image.mount();
    try {
      assertThatExceptionOfType(type)
          .isThrownBy(() -> Simulation.open(disk, OPTIONS))
          .satisfies(e -> assertThat(e.getMessage()).contains(messages));
      assertThat(disk.open()).isEmpty();
      disk.image()
          .files()
          .forEach((name, content) ->
              assertThat(Arrays.equals(content, image.files().get(name))).as(name).isTrue());
      assertThat(disk.image().files().keySet()).isEqualTo(image.files().keySet());
    } finally {
      disk.discard();
    }
  }

  // ---- What can be rebuilt

  @Test
  void withoutHintsAndImageEverythingIsThere() {
    DiskImage image = now().image().without("INDEX");
    for (String hint : names(now(), ".hint")) {
      image = image.without(hint);
      opens(image, now().model());
    }
    RecoveryReport report = opens(image, now().model());
    assertThat(report.indexSource()).isEqualTo(IndexSource.LOG);
    assertThat(report.segmentsFromHints()).isZero();
    opens(now().image().without("RECOVERY.json"), now().model());
  }

  @Test
  void anImageFromEarlierIsIgnoredOrBroughtUpToDate() {
    for (Moment earlier : MOMENTS) {
      byte[] old = earlier.image().files().get("INDEX");
      opens(now().image().with("INDEX", old), now().model());
    }
  }

  @Test
  void anImageFromLaterIsIgnored() {
    for (int i = 0; i < MOMENTS.size() - 1; i++) {
      byte[] later = MOMENTS.get(i + 1).image().files().get("INDEX");
      opens(MOMENTS.get(i).image().with("INDEX", later), MOMENTS.get(i).model());
    }
  }

  @Test
  void hintsThatWereSwappedAreIgnored() {
    DiskImage base = now().image().without("INDEX");
    List<String> hints = names(now(), ".hint");
    assertThat(hints).hasSizeGreaterThan(1);
    for (int i = 0; i < hints.size(); i++) {
      byte[] other = base.files().get(hints.get((i + 1) % hints.size()));
      RecoveryReport report = opens(base.with(hints.get(i), other), now().model());
      assertThat(report.filesIgnored()).anyMatch(ignored -> ignored.contains(".hint"));
    }
  }

  @Test
  void hintsAndImagesOfAnotherStoreAreIgnored() {
    Map<String, byte[]> other = otherStore().files();
    DiskImage image = now().image().with("INDEX", other.get("INDEX"));
    byte[] hint =
        other.entrySet().stream()
            .filter(file -> file.getKey().endsWith(".hint"))
            .findFirst()
            .orElseThrow()
            .getValue();
    for (String name : names(now(), ".hint")) {
      image = image.with(name, hint);
    }
    opens(image, now().model());
  }

  private static DiskImage otherStore() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    disk.list(); // so that it gets another id
    KvStore store = Simulation.open(disk, OPTIONS);
    ModelledStore modelled = new ModelledStore(store, new StoreModel());
    SplittableRandom random = new SplittableRandom(99);
    for (int step = 0; step < 60; step++) {
      modelled.step(random);
    }
    store.close();
    DiskImage image = disk.image();
    disk.discard();
    return image;
  }

  // ---- What cannot

  @Test
  void aSegmentThatIsMissingIsReportedAndNothingIsChanged() {
    for (String name : names(now(), ".seg")) {
      refuses(now().image().without(name), StoreCorruptionException.class, name, "missing");
    }
  }

  @Test
  void segmentsThatWereSwappedAreReported() {
    List<String> segments = names(now(), ".seg");
    for (int i = 0; i < segments.size(); i++) {
      byte[] other = now().image().files().get(segments.get((i + 1) % segments.size()));
      refuses(
          now().image().with(segments.get(i), other),
          StoreCorruptionException.class,
          segments.get(i));
    }
  }

  @Test
  void aSegmentOfAnotherStoreIsReported() {
    Map<String, byte[]> other = otherStore().files();
    for (String name : names(now(), ".seg")) {
      byte[] strange = other.get("0000000001.seg");
      refuses(now().image().with(name, strange), StoreCorruptionException.class, name);
    }
  }

  @Test
  void aSegmentFromEarlierIsReported() {
    String name = names(now(), ".seg").getLast();
    Moment before = MOMENTS.get(MOMENTS.size() - 2);
    byte[] old = before.image().files().get(name);
    if (old != null && !Arrays.equals(old, now().image().files().get(name))) {
      refuses(now().image().with(name, old), StoreCorruptionException.class, name);
    }
  }

  @Test
  void aSegmentThatWasCompactedAwayAndComesBackIsNotServed() {
    DiskImage image = now().image();
    for (String name : names(MOMENTS.get(2), ".seg")) {
      if (!image.files().containsKey(name)) {
        image = image.with(name, MOMENTS.get(2).image().files().get(name));
      }
    }
    assertThat(image.files().size()).isGreaterThan(now().image().files().size());
    opens(image, now().model());
    opens(image.without("INDEX"), now().model());
  }

  @Test
  void aCopyOfASegmentUnderAnotherNumberIsNotServed() {
    DiskImage image = now().image();
    for (String name : names(now(), ".seg")) {
      DiskImage doubled = image.with("0000000900.seg", image.files().get(name));
      opens(doubled, now().model());
    }
  }

  @Test
  void aManifestThatIsMissingIsReported() {
    refuses(now().image().without("MANIFEST"), StoreCorruptionException.class, "MANIFEST");
  }

  @Test
  void aManifestFromEarlierNeverShowsOldOrDeletedValues() {
    for (Moment earlier : MOMENTS.subList(0, MOMENTS.size() - 1)) {
      byte[] old = earlier.image().files().get("MANIFEST");
      if (Arrays.equals(old, now().image().files().get("MANIFEST"))) {
        continue;
      }
      for (DiskImage image : List.of(now().image(), now().image().without("INDEX"))) {
        SimulatedDirectory disk = image.with("MANIFEST", old).mount();
        try {
          KvStore store = Simulation.open(disk, OPTIONS);
          now().model().copy().checkAfterKill(store);
          store.close();
        } catch (StoreCorruptionException e) {
          // It names segments that are gone, or does not know some that are there.
        } finally {
          disk.discard();
        }
      }
    }
  }

  /// A manifest from before the segment that is in use.
  ///
  /// @param writes how many the segment holds that the manifest does not know of
  private static DiskImage beforeItsLastSegment(int writes) {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, OPTIONS);
    store.put("old", "value");
    byte[] manifest = disk.image().files().get("MANIFEST");
    for (int write = 0; write < writes; write++) {
      store.put("young" + write, write == 0 ? "more than has room ".repeat(250) : "value");
    }
    DiskImage image = disk.image();
    assertThat(image.files()).containsKey(YOUNG).doesNotContainKey("0000000003.seg");
    Simulation.kill(store, disk);
    return image.with("MANIFEST", manifest);
  }

  private static final String YOUNG = "0000000002.seg";

  @Test
  void youngerWritesAreNotTakenForALeftoverWhateverByteOfTheFirstIsDamaged() {
    refuses(beforeItsLastSegment(1), StoreCorruptionException.class, "MANIFEST", YOUNG);
    DiskImage image = beforeItsLastSegment(3);
    for (int at = 0; at < 200; at++) {
      for (int mask : new int[] {1, 0x10, 0x80}) {
        DiskImage damaged = image.withFlipped(YOUNG, at, mask);
        refuses(damaged, StoreCorruptionException.class, "MANIFEST", YOUNG);
        SimulatedDirectory disk = damaged.mount();
        KvStore store =
            Simulation.open(
                disk, OPTIONS.toBuilder().damagePolicy(DamagePolicy.SERVE_REST).build());
        assertThat(store.recovery().damages()).anyMatch(d -> d.problem().contains(YOUNG));
        Simulation.abandon(store);
        assertThat(disk.image().files().get(YOUNG)).isEqualTo(damaged.files().get(YOUNG));
        disk.discard();
      }
    }
  }

  @Test
  void aSegmentThatTheManifestDoesNotKnowIsNotTakenForALeftoverIfItCannotBeRead() {
    DiskImage image = beforeItsLastSegment(1);
    for (String operation : List.of("isFile", "open", "size", "map")) {
      for (Fault fault : List.of(Fault.IO_ERROR, Fault.NO_HANDLE)) {
        SimulatedDirectory disk = image.mount();
        disk.failWhen(
            call -> call.file().equals(YOUNG) && call.operation().equals(operation), fault);
        if (fault == Fault.NO_HANDLE && !operation.equals("open")) {
          disk.discard();
          continue;
        }
        assertThatExceptionOfType(StoreIoException.class)
            .as(operation)
            .isThrownBy(() -> Simulation.open(disk, OPTIONS))
            .withMessageContaining(YOUNG);
        assertThat(disk.failures()).isPositive();
        assertThat(disk.image().fingerprint()).isEqualTo(image.fingerprint());
        disk.discard();
      }
    }
  }

  @Test
  void aLeftoverThatCannotBeReadStaysAndTheOpenSaysWhy() {
    String leftover = names(MOMENTS.get(2), ".seg").getFirst();
    assertThat(now().image().files()).doesNotContainKey(leftover);
    byte[] content = MOMENTS.get(2).image().files().get(leftover);
    for (String operation : List.of("isFile", "open", "size", "read")) {
      SimulatedDirectory disk = now().image().with(leftover, content).mount();
      disk.failWhen(
          call -> call.file().equals(leftover) && call.operation().equals(operation),
          Fault.IO_ERROR);
      KvStore store = Simulation.open(disk, OPTIONS);
      assertThat(store.recovery().filesIgnored())
          .anyMatch(ignored -> ignored.matches(leftover + ": .*Input/output error; left alone"));
      store.close();
      assertThat(disk.image().files().get(leftover)).isEqualTo(content);
      disk.heal();
      store = Simulation.open(disk, OPTIONS);
      assertThat(store.recovery().leftoversRemoved()).contains(leftover);
      store.close();
      disk.discard();
    }
  }

  @Test
  void aNewerFormatIsRefusedWithBothNumbersAndNothingIsTouched() {
    for (String name : List.of("MANIFEST", names(now(), ".seg").getFirst())) {
      boolean refused = false;
      byte[] file = now().image().files().get(name);
      for (int offset = 4; offset < 16 && !refused; offset++) {
        byte[] newer = file.clone();
        newer[offset]++;
        SimulatedDirectory disk = now().image().with(name, newer).mount();
        try {
          Simulation.abandon(Simulation.open(disk, OPTIONS));
        } catch (StoreVersionException e) {
          refused = true;
          assertThat(e.found()).isEqualTo(e.newest() + 1);
          assertThat(e.getMessage())
              .contains(name, Integer.toString(e.found()), Integer.toString(e.newest()));
          assertThat(Arrays.equals(disk.image().files().get(name), newer)).isTrue();
        } catch (StoreCorruptionException e) {
          // Another field of the header.
        } finally {
          disk.discard();
        }
      }
      assertThat(refused).as(name + " has a version").isTrue();
    }
  }

  // ---- Files that are not ours

  @Test
  void foreignFilesAndDirectoriesStayAsTheyAre() throws IOException {
    Map<String, String> foreign =
        Map.of(
            "notes.txt", "mine",
            "1.seg", "not a segment of ours",
            "0000000001.seg.bak", "a copy",
            "0000000777.seg", "a name like ours, " + "and enough bytes to have a header".repeat(5),
            "0000000777.hint", "a name like ours, " + "and enough bytes to have a header".repeat(5),
            "MANIFEST.old", "mine",
            "core.1234", "x");
    SimulatedDirectory disk = now().image().mount();
    try {
      for (Map.Entry<String, String> file : foreign.entrySet()) {
        Files.writeString(disk.path().resolve(file.getKey()), file.getValue());
      }
      Files.createDirectories(disk.path().resolve("0000000778.seg/deep"));
      Files.createSymbolicLink(
          disk.path().resolve("0000000779.seg"), disk.path().resolve("notes.txt"));
      StoreModel model = now().model().copy();
      for (int round = 0; round < 2; round++) {
        KvStore store = Simulation.open(disk, OPTIONS);
        model.checkAfterKill(store);
        ModelledStore modelled = new ModelledStore(store, model);
        SplittableRandom random = new SplittableRandom(round);
        for (int step = 0; step < 40; step++) {
          modelled.step(random);
        }
        modelled.compact();
        store.close();
      }
      for (Map.Entry<String, String> file : foreign.entrySet()) {
        assertThat(disk.path().resolve(file.getKey())).hasContent(file.getValue());
      }
      assertThat(disk.path().resolve("0000000778.seg/deep")).isDirectory();
      assertThat(disk.path().resolve("0000000779.seg")).isSymbolicLink();
    } finally {
      disk.discard();
    }
  }

  @Test
  void aDirectoryWithSomethingElseInItIsNotMadeAStore() {
    DiskImage image = DiskImage.of(Map.of("thesis.tex", "mine".getBytes(StandardCharsets.UTF_8)));
    refuses(image, StoreStartupException.class, "thesis.tex");
  }

  @Test
  void aStoreThatIsNotThereIsNotMadeWhenThatWasNotAskedFor() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    for (Options options :
        List.of(
            OPTIONS.toBuilder().createIfMissing(false).build(),
            OPTIONS.toBuilder().readOnly(true).build())) {
      assertThatExceptionOfType(StoreStartupException.class)
          .isThrownBy(() -> Simulation.open(disk, options));
      assertThat(disk.list()).isEmpty();
    }
    disk.discard();
  }

  // ---- Bytes that nobody ever wrote

  @Test
  void filesOfRandomBytesAreRefusedQuicklyAndWithoutMuchMemory() {
    Seed.fresh(random ->
        mutate(
            random,
            1500,
            content -> {
              byte[] garbage = new byte[random.nextInt(9000)];
              random.nextBytes(garbage);
              return garbage;
            }));
  }

  @Test
  void filesWithAnyFieldsChangedAreRefusedOrRight() {
    Seed.fresh(random ->
        mutate(
            random,
            4000,
            content -> {
              byte[] changed = content.clone();
              for (int i = 1 + random.nextInt(4); i > 0 && changed.length > 0; i--) {
                int at = random.nextInt(changed.length);
                if (random.nextBoolean()) {
                  at = random.nextInt(Math.min(200, changed.length)); // where the headers are
                }
                int length = Math.min(1 << random.nextInt(4), changed.length - at);
                byte fill =
                    (byte) new int[] {0, -1, 0x7F, 0x80, random.nextInt()}[random.nextInt(5)];
                Arrays.fill(changed, at, at + length, fill);
              }
              return changed;
            }));
  }

  private static void mutate(SplittableRandom random, int rounds, UnaryOperator<byte[]> change) {
    for (int round = 0; round < rounds; round++) {
      Moment moment = MOMENTS.get(random.nextInt(MOMENTS.size()));
      List<String> names = new ArrayList<>(moment.image().files().keySet());
      String name = names.get(random.nextInt(names.size()));
      byte[] changed = change.apply(moment.image().files().get(name));
      DiskImage image = moment.image().with(name, changed);
      if (random.nextBoolean() && !name.equals("INDEX")) {
        image = image.without("INDEX");
      }
      SimulatedDirectory disk = image.mount();
      try {
        KvStore store = Simulation.open(disk, OPTIONS);
        assertThat(store.recovery().outcome()).isNotEqualTo(Outcome.DAMAGED);
        try {
          moment.model().copy().checkAfterKill(store);
        } catch (StoreCorruptionException e) {
          // A read has told.
        }
        Simulation.abandon(store);
      } catch (StoreCorruptionException | StoreVersionException e) {
        // Refused.
      } catch (RuntimeException | AssertionError e) {
        byte[] before = moment.image().files().get(name);
        String where =
            Arrays.mismatch(changed, before) + " of " + before.length + ", now " + changed.length;
        throw new AssertionError(
            "round "
                + round
                + ", "
                + name
                + " changed at "
                + where
                + ", INDEX "
                + image.files().containsKey("INDEX")
                + ": "
                + e,
            e);
      } finally {
        disk.discard();
      }
    }
  }
}

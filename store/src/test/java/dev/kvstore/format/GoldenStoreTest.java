package dev.kvstore.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.RecordInfo;
import dev.kvstore.RecoveryReport.IndexSource;
import dev.kvstore.RecoveryReport.Outcome;
import dev.kvstore.StoreInspector;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The store that version 1 wrote, under `resources/golden/v1`, is read by every later version.
class GoldenStoreTest {
  @TempDir private Path temporary;

  private Map<String, byte[]> golden;
  private Path directory;

  @BeforeEach
  void copyTheFiles() throws URISyntaxException {
    golden = StoreFiles.read(Path.of(GoldenStoreTest.class.getResource("/golden/v1").toURI()));
    directory = temporary.resolve("store");
    StoreFiles.put(directory, golden);
  }

  private void assertReadsAll(Options options, IndexSource source) {
    try (KvStore store = StoreFiles.open(directory, options)) {
      assertThat(store.recovery().outcome()).isEqualTo(Outcome.CLEAN);
      assertThat(store.recovery().indexSource()).isEqualTo(source);
      assertThat(StoreFiles.contentsOf(store)).isEqualTo(StoreFiles.contents());
      assertThat(store.size()).isEqualTo(StoreFiles.contents().size());
      assertThat(store.lastSequence()).isEqualTo(113);
    }
  }

  @Test
  void everyKindOfFileIsThere() {
    assertThat(golden.keySet())
        .contains("MANIFEST", "INDEX")
        .anyMatch(name -> name.endsWith(".seg"))
        .anyMatch(name -> name.endsWith(".hint"));
    assertThat(golden.keySet().stream().filter(name -> name.endsWith(".seg")))
        .hasSizeGreaterThan(3);
  }

  @Test
  void goldenStoreOpensFromItsImage() {
    assertReadsAll(Options.builder().readOnly(true).build(), IndexSource.IMAGE);
    assertThat(StoreFiles.read(directory))
        .as("a read-only open changes nothing")
        .usingRecursiveComparison()
        .isEqualTo(golden);
  }

  @Test
  void goldenStoreOpensFromItsHints() {
    Map<String, byte[]> files = new TreeMap<>(golden);
    files.remove("INDEX");
    StoreFiles.put(directory, files);
    assertReadsAll(StoreFiles.OPTIONS, IndexSource.LOG);
  }

  @Test
  void goldenStoreOpensFromItsSegmentsAlone() {
    Map<String, byte[]> files = new TreeMap<>(golden);
    files.keySet().removeIf(name -> name.equals("INDEX") || name.endsWith(".hint"));
    StoreFiles.put(directory, files);
    assertReadsAll(StoreFiles.OPTIONS, IndexSource.LOG);
  }

  @Test
  void goldenStoreVerifiesAndHasEveryKindOfRecord() {
    var report = StoreInspector.verify(directory, Progress.NONE);
    assertThat(report.damages()).isEmpty();
    assertThat(report.notes()).isEmpty();
    assertThat(report.keys()).isEqualTo(StoreFiles.contents().size());
    try (Stream<RecordInfo> records = StoreInspector.records(directory)) {
      assertThat(records.map(RecordInfo::kind).collect(Collectors.toSet()))
          .containsExactlyInAnyOrder(
              RecordInfo.Kind.PUT,
              RecordInfo.Kind.DELETE,
              RecordInfo.Kind.MARK,
              RecordInfo.Kind.SEAL);
    }
  }

  @Test
  void goldenStoreIsWrittenToAndCompacted() {
    try (KvStore store = StoreFiles.open(directory, StoreFiles.OPTIONS)) {
      store.put("more", "value");
      store.compact();
      store.delete("more");
      assertThat(StoreFiles.contentsOf(store)).isEqualTo(StoreFiles.contents());
    }
    assertThat(StoreInspector.verify(directory, Progress.NONE).damages()).isEmpty();
  }

  @Test
  void theMakerOfGoldenStoresMakesTheSameBytesEachTime() {
    Path first = temporary.resolve("first");
    Path second = temporary.resolve("second");
    StoreFiles.write(first);
    StoreFiles.write(second);
    assertThat(StoreFiles.read(first))
        .usingRecursiveComparison()
        .isEqualTo(StoreFiles.read(second));
  }
}

package dev.kvstore.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.DamagePolicy;
import dev.kvstore.KvStore;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.HintEntries;
import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.LittleEndian;
import dev.kvstore.segment.Manifest;
import dev.kvstore.segment.Mapping;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import dev.kvstore.segment.SegmentSealer;
import dev.kvstore.segment.StoreId;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A record is believed at its own place only, with every bit as it was written.
@Timeout(60)
class RecordsOnDiskTest {
  @TempDir private Path temporary;

  private Path directory;
  private Map<String, byte[]> files;
  private StoreId store;

  @BeforeEach
  void makeStore() {
    directory = temporary.resolve("store");
    StoreFiles.write(directory);
    files = StoreFiles.read(directory);
    store = manifest().store();
  }

  private Manifest manifest() {
    try (Directory open = DiskDirectory.open(directory, Access.READ, false)) {
      return Manifest.read(open);
    }
  }

  /// Where records begin, and the end of the last one.
  private List<Long> places(long id, byte[] bytes) {
    List<Long> places = new ArrayList<>();
    scan(
        id,
        bytes,
        scanner -> {
          while (scanner.next()) {
            places.add(scanner.offset());
          }
          places.add(scanner.position());
        });
    return places;
  }

  private interface Scan {
    void with(SegmentScanner scanner);
  }

  /// Scans bytes as if they were the file of a segment.
  private void scan(long id, byte[] bytes, Scan scan) {
    StoreFiles.put(temporary.resolve("scan"), Map.of(SegmentFormat.segmentName(id), bytes));
    try (Directory open = DiskDirectory.open(temporary.resolve("scan"), Access.READ, false);
        FileHandle file = open.open(SegmentFormat.segmentName(id), Access.READ)) {
      Mapping mapping = Mapping.of(file, bytes.length, Access.READ);
      try {
        scan.with(
            new SegmentScanner(
                new Segment(store, id, mapping, bytes.length),
                SegmentFormat.HEADER_BYTES,
                bytes.length));
      } finally {
        mapping.retire();
      }
    }
  }

  private boolean verifiesAt(long id, byte[] bytes, long place) {
    boolean[] met = new boolean[1];
    scan(
        id,
        bytes,
        scanner -> {
          do {
            while (scanner.next()) {
              met[0] |= scanner.offset() == place;
            }
          } while (scanner.problem() != null && scanner.resync());
        });
    return met[0];
  }

  private long anySegment() {
    return manifest().sealed().stream()
        .filter(sealed -> sealed.records() > 5 && sealed.bytes() < 4096)
        .findFirst()
        .orElseThrow()
        .id();
  }

  private byte[] fileOf(long id) {
    return files.get(SegmentFormat.segmentName(id)).clone();
  }

  @Test
  void aRecordMovedWithinItsSegmentDoesNotVerify() {
    long id = anySegment();
    byte[] bytes = fileOf(id);
    List<Long> places = places(id, bytes);
    int from = Math.toIntExact(places.get(1));
    int length = Math.toIntExact(places.get(2)) - from;
    byte[] moved = Arrays.copyOf(bytes, SegmentFormat.HEADER_BYTES + 4 * length);
    for (int copy = 0; copy < 4; copy++) {
      System.arraycopy(bytes, from, moved, SegmentFormat.HEADER_BYTES + copy * length, length);
    }
    for (int copy = 0; copy < 4; copy++) {
      long place = SegmentFormat.HEADER_BYTES + (long) copy * length;
      assertThat(verifiesAt(id, moved, place)).isEqualTo(place == from);
    }
  }

  @Test
  void aRecordOfAnotherSegmentOrStoreDoesNotVerify() {
    long id = anySegment();
    byte[] bytes = fileOf(id);
    assertThat(verifiesAt(id, bytes, SegmentFormat.HEADER_BYTES)).isTrue();
    for (long other = 1; other < 100; other++) {
      if (other != id) {
        assertThat(verifiesAt(other, bytes, SegmentFormat.HEADER_BYTES)).isFalse();
      }
    }
    store = new StoreId(store.high(), store.low() + 1);
    assertThat(verifiesAt(id, bytes, SegmentFormat.HEADER_BYTES)).isFalse();
  }

  @Test
  void zerosAreNeverARecord() {
    for (long id = 1; id < 50; id++) {
      scan(
          id,
          new byte[8192],
          scanner -> {
            assertThat(scanner.next()).isFalse();
            assertThat(scanner.problem()).isNotNull();
            assertThat(scanner.resync()).isFalse();
            assertThat(scanner.lastNonZero()).isEqualTo(8192);
          });
    }
  }

  @Test
  void everySingleBitOfARecordCounts() {
    long id = anySegment();
    byte[] bytes = fileOf(id);
    List<Long> places = places(id, bytes);
    byte[] few = Arrays.copyOf(bytes, Math.toIntExact(places.get(3)));
    MemorySegment memory = MemorySegment.ofArray(few);
    for (int record = 0; record < 3; record++) {
      long at = places.get(record);
      long end =
          at
              + RecordFormat.HEADER_BYTES
              + RecordFormat.keySize(memory, at)
              + RecordFormat.valueSize(memory, at);
      for (long bit = at * 8; bit < end * 8; bit++) {
        few[(int) (bit / 8)] ^= (byte) (1 << bit % 8);
        assertThat(verifiesAt(id, few, at)).as("bit " + bit).isFalse();
        few[(int) (bit / 8)] ^= (byte) (1 << bit % 8);
      }
      assertThat(verifiesAt(id, few, at)).isTrue();
    }
  }

  @Test
  void everySingleBitOfASegmentHeaderCounts() {
    long id = anySegment();
    byte[] header = Arrays.copyOf(fileOf(id), SegmentFormat.HEADER_BYTES);
    SegmentFormat.checkHeader(MemorySegment.ofArray(header), store, id);
    for (int bit = 0; bit < header.length * 8; bit++) {
      header[bit / 8] ^= (byte) (1 << bit % 8);
      byte[] flipped = header.clone();
      assertThatExceptionOfType(dev.kvstore.StoreException.class)
          .as("bit " + bit)
          .isThrownBy(() -> SegmentFormat.checkHeader(MemorySegment.ofArray(flipped), store, id));
      header[bit / 8] ^= (byte) (1 << bit % 8);
    }
  }

  @Test
  void sizesBeyondTheLimitAreRefusedByTheHeaderAlone() {
    MemorySegment header = MemorySegment.ofArray(new byte[RecordFormat.HEADER_BYTES]);
    long limit = 1L << 40;
    header.set(LittleEndian.INT, 4, 1 << 16 | RecordFormat.PUT);
    header.set(LittleEndian.INT, 8, KvStore.VALUE_BYTES_MAX);
    assertThat(RecordFormat.problem(header, 0, limit)).isNull();
    for (int size : new int[] {KvStore.VALUE_BYTES_MAX + 1, Integer.MAX_VALUE, -1, 1 << 31}) {
      header.set(LittleEndian.INT, 8, size);
      assertThat(RecordFormat.problem(header, 0, limit)).contains("impossible header");
    }
    header.set(LittleEndian.INT, 8, 1000);
    assertThat(RecordFormat.problem(header, 0, 1000)).contains("behind the log's end");
    assertThat(RecordFormat.problem(header, 0, 31)).contains("too few");
    header.set(LittleEndian.INT, 4, RecordFormat.PUT);
    assertThat(RecordFormat.problem(header, 0, limit)).contains("impossible header"); // no key
    for (int kind : new int[] {0, 5, 255}) {
      header.set(LittleEndian.INT, 4, 1 << 16 | kind);
      assertThat(RecordFormat.problem(header, 0, limit)).contains("kind " + kind);
    }
    header.set(LittleEndian.INT, 4, 1 << 16 | RecordFormat.PUT);
    header.set(LittleEndian.LONG, 24, 1L << 48);
    assertThat(RecordFormat.problem(header, 0, limit)).contains("flags");
  }

  @Test
  void everySingleBitOfTheManifestCounts() {
    byte[] bytes = files.get("MANIFEST");
    for (int bit = 0; bit < bytes.length * 8; bit++) {
      byte[] flipped = bytes.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      StoreFiles.put(directory, Map.of("MANIFEST", flipped));
      assertThatExceptionOfType(dev.kvstore.StoreException.class)
          .as("bit " + bit)
          .isThrownBy(this::manifest);
    }
    StoreFiles.put(directory, Map.of("MANIFEST", bytes));
    assertThat(manifest().sealed()).isNotEmpty();
  }

  @Test
  void manifestCutAnywhereIsRefused() {
    byte[] bytes = files.get("MANIFEST");
    for (int size = 0; size < bytes.length; size++) {
      StoreFiles.put(directory, Map.of("MANIFEST", Arrays.copyOf(bytes, size)));
      assertThatExceptionOfType(StoreCorruptionException.class).isThrownBy(this::manifest);
    }
  }

  @Test
  void hintListsEveryRecordOfItsSegmentInTheOrderOfHashes() {
    KeyHasher hasher = new KeyHasher(store);
    try (Directory open = DiskDirectory.open(directory, Access.READ, false)) {
      for (SealedSegment sealed : manifest().sealed()) {
        Map<Long, Long> hashes = new TreeMap<>(); // by offset
        byte[] key = new byte[KvStore.KEY_BYTES_MAX];
        scan(
            sealed.id(),
            fileOf(sealed.id()),
            scanner -> {
              while (scanner.next()) {
                if (scanner.kind() <= RecordFormat.DELETE) {
                  hashes.put(scanner.offset(), hasher.hash(key, 0, scanner.copyKey(key)));
                }
              }
            });
        try (HintFile file = HintFile.open(open, store, sealed)) {
          HintEntries hint = file.entries();
          assertThat(hint.count()).isEqualTo(hashes.size());
          for (long entry = 0; entry < hint.count(); entry++) {
            assertThat(hashes.remove(hint.offset(entry))).isEqualTo(hint.hash(entry));
            assertThat(hint.lowerBound(hint.hash(entry))).isLessThanOrEqualTo(entry);
            if (entry > 0) {
              assertThat(Long.compareUnsigned(hint.hash(entry - 1), hint.hash(entry)))
                  .isLessThanOrEqualTo(0);
            }
          }
          assertThat(hashes).isEmpty();
          assertThat(hint.lowerBound(-1)).isLessThanOrEqualTo(hint.count());
          assertThat(hint.lowerBound(0)).isZero();
        }
      }
    }
  }

  @Test
  void everySingleBitOfAHintCountsAndSoDoesWhatItWasMadeFrom() {
    SealedSegment sealed = manifest().sealed().getFirst();
    String name = SegmentFormat.hintName(sealed.id());
    byte[] bytes = files.get(name);
    Path hints = temporary.resolve("hints");
    for (int bit = 0; bit < bytes.length * 8; bit += 3) {
      byte[] flipped = bytes.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      StoreFiles.put(hints, Map.of(name, flipped));
      assertRefused(hints, sealed);
    }
    StoreFiles.put(hints, Map.of(name, bytes));
    assertRefused(
        hints,
        new SealedSegment(
            sealed.id(),
            sealed.bytes() + 8,
            sealed.records(),
            sealed.tombstoneBytes(),
            sealed.minSequence(),
            sealed.maxSequence(),
            sealed.sealChecksum()));
    assertRefused(
        hints,
        new SealedSegment(
            sealed.id(),
            sealed.bytes(),
            sealed.records(),
            sealed.tombstoneBytes(),
            sealed.minSequence(),
            sealed.maxSequence(),
            sealed.sealChecksum() + 1));
  }

  private void assertRefused(Path hints, SealedSegment sealed) {
    try (Directory open = DiskDirectory.open(hints, Access.READ, false)) {
      assertThatExceptionOfType(dev.kvstore.StoreException.class)
          .isThrownBy(() -> HintFile.open(open, store, sealed));
    }
  }

  @Test
  void summaryOfASealedSegmentIsWhatTheManifestSays() {
    for (SealedSegment sealed : manifest().sealed()) {
      byte[] bytes = fileOf(sealed.id());
      SegmentSealer.Summary summary = summaryOf(sealed.id(), bytes);
      assertThat(summary.seal().records()).isEqualTo(sealed.records());
      assertThat(summary.seal().minSequence()).isEqualTo(sealed.minSequence());
      assertThat(summary.seal().maxSequence()).isEqualTo(sealed.maxSequence());
      assertThat(summary.tombstoneBytes()).isEqualTo(sealed.tombstoneBytes());
      assertThat(bytes.length).isEqualTo(sealed.bytes());
    }
  }

  private SegmentSealer.Summary summaryOf(long id, byte[] bytes) {
    StoreFiles.put(temporary.resolve("scan"), Map.of(SegmentFormat.segmentName(id), bytes));
    try (Directory open = DiskDirectory.open(temporary.resolve("scan"), Access.READ, false);
        FileHandle file = open.open(SegmentFormat.segmentName(id), Access.READ)) {
      Mapping mapping = Mapping.of(file, bytes.length, Access.READ);
      try {
        return SegmentSealer.Summary.of(new Segment(store, id, mapping, bytes.length));
      } finally {
        mapping.retire();
      }
    }
  }

  @Test
  void aSegmentUnderAnotherNameIsReported() {
    List<SealedSegment> sealed = manifest().sealed();
    String one = SegmentFormat.segmentName(sealed.get(0).id());
    String two = SegmentFormat.segmentName(sealed.get(1).id());
    Map<String, byte[]> swapped = new TreeMap<>(files);
    swapped.put(one, files.get(two));
    swapped.put(two, files.get(one));
    StoreFiles.put(directory, swapped);
    assertThatExceptionOfType(StoreCorruptionException.class)
        .isThrownBy(() -> KvStore.open(directory, StoreFiles.OPTIONS));
    try (KvStore rest =
        KvStore.open(
            directory,
            StoreFiles.OPTIONS.toBuilder().damagePolicy(DamagePolicy.SERVE_REST).build())) {
      assertThat(rest.recovery().damages()).isNotEmpty();
    }
  }
}

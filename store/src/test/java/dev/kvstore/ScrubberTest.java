package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import dev.kvstore.Stats.Scrub;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A store that scrubs finds damage that nobody reads, at the rate it was given, and disturbs nobody.
@Timeout(60)
class ScrubberTest {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Options PLAIN =
      Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(64 << 10)
          .compaction(CompactionPolicy.manual())
          .build();
  private static final Options FAST =
      PLAIN.toBuilder().scrub(ScrubPolicy.atMost(1L << 30, SECOND)).build();

  private static final Logger LOGGER = Logger.getLogger("dev.kvstore.engine.Scrubber");

  @TempDir private Path temporary;
  private Path directory;
  private final List<String> warnings = new CopyOnWriteArrayList<>();
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord message) {
          warnings.add(new SimpleFormatter().formatMessage(message));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void makeStore() {
    LOGGER.setLevel(Level.WARNING); // other tests silence the whole store
    LOGGER.addHandler(handler);
    LOGGER.setUseParentHandlers(false);
    directory = temporary.resolve("store");
    try (KvStore store = KvStore.open(directory, PLAIN)) {
      fill(store, 0, 300);
    }
  }

  @AfterEach
  void logAsBefore() {
    LOGGER.removeHandler(handler);
    LOGGER.setLevel(null);
    LOGGER.setUseParentHandlers(true);
  }

  /// A KiB each.
  private static void fill(KvStore store, int from, int to) {
    for (int i = from; i < to; i++) {
      byte[] value = new byte[1000];
      new Random(i).nextBytes(value);
      store.put(("key" + i).getBytes(java.nio.charset.StandardCharsets.UTF_8), value);
    }
  }

  /// A record in a sealed segment, or the like.
  private static RecordInfo someRecord(Path directory, int number) {
    try (Stream<RecordInfo> records = StoreInspector.records(directory)) {
      return records
          .filter(r -> r.kind() == RecordInfo.Kind.PUT)
          .skip(number)
          .findFirst()
          .orElseThrow();
    }
  }

  private static void flip(Path file, long offset) {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, offset);
      one.put(0, (byte) (one.get(0) ^ 4)).rewind();
      channel.write(one, offset);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static Scrub awaitPass(KvStore store) {
    long passes = store.stats().scrub().passes();
    await().until(() -> store.stats().scrub().passes() > passes + 1);
    return store.stats().scrub();
  }

  // ---- Finding

  @Test
  void plantedDamageIsFoundWithoutAnyGet() {
    RecordInfo victim = someRecord(directory, 70);
    try (KvStore store = KvStore.open(directory, FAST)) {
      assertThat(awaitPass(store).damages()).isZero();
      flip(directory.resolve(victim.file()), victim.offset() + 100);
      await().until(() -> store.stats().scrub().damages() > 0);
      Damage found = store.stats().scrub().lastDamage().orElseThrow();
      assertThat(found.file()).isEqualTo(victim.file());
      assertThat(found.offset()).isEqualTo(victim.offset());
      assertThat(found.bytes()).isEqualTo(victim.bytes());
      assertThat(found.keys()).hasSize(1);
      assertThat(found.keys().getFirst()).isEqualTo(victim.key());
      assertThat(found.problem()).contains("checksum");
      assertThat(warnings).anyMatch(w -> w.contains(victim.file() + " @ " + victim.offset()));
      assertThat(store.stats().gets()).isZero();
      assertThat(store.stats().corruptReads()).isZero();
      store.put("and", "goes on");
      assertThat(store.stats().failure()).isEmpty();
    }
  }

  @Test
  void whatIsFoundIsToldOnceInEachPass() {
    RecordInfo victim = someRecord(directory, 10);
    try (KvStore store = KvStore.open(directory, FAST)) {
      awaitPass(store);
      flip(directory.resolve(victim.file()), victim.offset() + 100);
      awaitPass(store);
      Scrub before = store.stats().scrub();
      await().until(() -> store.stats().scrub().passes() >= before.passes() + 2);
      Scrub after = store.stats().scrub();
      assertThat(after.damages() - before.damages()).isBetween(2L, 3L);
      assertThat((long) warnings.size()).isBetween(after.damages(), after.damages() + 1);
    }
  }

  @Test
  void segmentHintAndManifestAreLookedAt() {
    String segment = someRecord(directory, 120).file();
    List<String> files = List.of(segment, segment.replace(".seg", ".hint"), "MANIFEST");
    try (KvStore store = KvStore.open(directory, FAST)) {
      awaitPass(store);
      assertThat(warnings).isEmpty();
      for (String file : files) {
        flip(directory.resolve(file), directory.resolve(file).toFile().length() - 1);
      }
      awaitPass(store);
      for (String file : files) {
        assertThat(warnings).anyMatch(warning -> warning.contains("damage in " + file + " @ "));
        flip(directory.resolve(file), directory.resolve(file).toFile().length() - 1);
      }
      awaitPass(store);
      long before = store.stats().scrub().damages();
      awaitPass(store);
      assertThat(store.stats().scrub().damages()).isEqualTo(before);
    }
  }

  @Test
  void aFileThatIsCutOrGoneIsToldAndTheOthersAreReadOn() throws IOException {
    RecordInfo cut = someRecord(directory, 0);
    RecordInfo gone = someRecord(directory, 100);
    assertThat(cut.file()).isNotEqualTo(gone.file());
    try (KvStore store = KvStore.open(directory, FAST)) {
      awaitPass(store);
      try (FileChannel channel =
          FileChannel.open(directory.resolve(cut.file()), StandardOpenOption.WRITE)) {
        channel.truncate(5000);
      }
      Files.delete(directory.resolve(gone.file()));
      long before = store.stats().scrub().damages();
      await().until(() -> store.stats().scrub().damages() >= before + 2);
      awaitPass(store);
      assertThat(warnings).anyMatch(w -> w.contains(cut.file() + " @ 5000"));
      assertThat(warnings).anyMatch(w -> w.contains(gone.file()));
      assertThat(store.stats().scrub().running()).isTrue();
    }
  }

  // ---- Not disturbing

  @Test
  void nothingIsFoundWhereNothingIsWrongWhileTheStoreIsInUse() {
    Options busy = FAST.toBuilder().compaction(CompactionPolicy.automatic(0.2, 64 << 10)).build();
    try (KvStore store = KvStore.open(directory, busy)) {
      long until = System.nanoTime() + Duration.ofMillis(2500).toNanos();
      int round = 0;
      while (System.nanoTime() < until) {
        fill(store, 0, 200);
        if (round++ % 8 == 0) {
          store.compact();
        }
      }
      assertThat(store.stats().compactions()).isGreaterThan(3);
      Scrub scrub = awaitPass(store);
      assertThat(scrub.damages()).as(warnings.toString()).isZero();
      assertThat(scrub.bytesRead()).isPositive();
      assertThat(scrub.running()).isTrue();
    }
    assertThat(warnings).isEmpty();
  }

  @Test
  void theRateIsKeptAndProgressShows() throws InterruptedException {
    long rate = 64 << 10;
    Options slow = PLAIN.toBuilder().scrub(ScrubPolicy.atMost(rate)).build();
    long begin = System.nanoTime();
    try (KvStore store = KvStore.open(directory, slow)) {
      long last = 0;
      while (System.nanoTime() - begin < Duration.ofMillis(2500).toNanos()) {
        Scrub scrub = store.stats().scrub();
        double seconds = (System.nanoTime() - begin) / 1e9;
        // A piece is read and then paid for.
        assertThat((double) scrub.bytesRead()).isLessThanOrEqualTo(rate * seconds + (256 << 10));
        assertThat(scrub.passBytes()).isGreaterThanOrEqualTo(last).isEqualTo(scrub.bytesRead());
        last = scrub.passBytes();
        Thread.sleep(50);
      }
      Scrub scrub = store.stats().scrub();
      assertThat(scrub.passBytesTotal()).isBetween(256L << 10, 400L << 10);
      assertThat(scrub.passBytes()).isBetween(1L, scrub.passBytesTotal() - 1);
      assertThat(scrub.passes()).isZero();
      assertThat(scrub.bytesRead()).isGreaterThan(rate); // it does get on
    }
  }

  @Test
  void closeEndsItAtOnce() {
    Options slowest = PLAIN.toBuilder().scrub(ScrubPolicy.atMost(64 << 10)).build();
    KvStore store = KvStore.open(directory, slowest);
    await().until(() -> store.stats().scrub().bytesRead() > 0);
    assertThat(threads()).contains("store-scrub");
    long begin = System.nanoTime();
    store.close();
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(3));
    assertThat(threads()).doesNotContain("store-scrub");
  }

  @Test
  void itIsOffUnlessAskedFor() {
    assertThat(Options.defaults().scrub()).isEqualTo(ScrubPolicy.off());
    try (KvStore store = KvStore.open(directory, PLAIN)) {
      store.put("key", "value");
      assertThat(store.stats().scrub()).isEqualTo(Scrub.NONE);
      assertThat(threads()).doesNotContain("store-scrub");
    }
  }

  private static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream().map(Thread::getName).toList();
  }

  @Test
  void aStoreThatIsOpenForReadingScrubsTooAndNoFileChanges() throws IOException {
    Map<String, Object> before = state(directory);
    RecordInfo victim = someRecord(directory, 150);
    try (KvStore store = KvStore.open(directory, FAST.toBuilder().readOnly(true).build())) {
      assertThat(awaitPass(store).damages()).isZero();
    }
    assertThat(state(directory)).isEqualTo(before);
    flip(directory.resolve(victim.file()), victim.offset() + 100);
    before = state(directory);
    try (KvStore store = KvStore.open(directory, FAST.toBuilder().readOnly(true).build())) {
      await().until(() -> store.stats().scrub().damages() > 0);
    }
    assertThat(state(directory)).isEqualTo(before);
  }

  /// Contents and times of all files.
  private static Map<String, Object> state(Path directory) throws IOException {
    Map<String, Object> state = new TreeMap<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        state.put(file + " modified", Files.getLastModifiedTime(file));
        state.put(file + " holds", java.util.HexFormat.of().formatHex(Files.readAllBytes(file)));
      }
    }
    return state;
  }

  @Test
  void ratesAndIntervalsThatMakeNoSenseAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ScrubPolicy.atMost((64 << 10) - 1))
        .withMessageContaining("65535");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ScrubPolicy.atMost(1 << 20, Duration.ofMillis(999)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ScrubPolicy.atMost(1 << 20, Duration.ofDays(366)));
  }
}

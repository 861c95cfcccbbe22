package dev.kvstore.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.CompactionReport;
import dev.kvstore.Durability;
import dev.kvstore.Encoding;
import dev.kvstore.Options;
import dev.kvstore.StoreIoException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Access;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.Segment;
import dev.kvstore.testkit.SimulatedDirectory;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a run counts while it goes on.
@Timeout(60)
class CompactionRunTest {
  private static final int KEYS = 20_000; // several ranges of hashes
  private static final Options OPTIONS =
      Options.builder()
          .durability(Durability.OS)
          .segmentBytesMax(1 << 20)
          .compaction(CompactionPolicy.manual())
          .recoveryThreads(1)
          .build();

  private static final CompactionRun.Pacer NO_PACE =
      new CompactionRun.Pacer() {
        @Override
        public void at(long bytesRead, long bytesCopied) {}

        @Override
        public void rest() {}
      };

  private final SimulatedDirectory disk = SimulatedDirectory.empty();
  private final SplittableRandom random = new SplittableRandom(11);
  private final Map<String, byte[]> values = new HashMap<>();
  private final Recovery.Result recovered;
  private final OpenStore store;

  CompactionRunTest() {
    Environment environment =
        new Environment(InstantSource.system(), new SplittableRandom(3), Workers.inline());
    disk.lock(Access.WRITE);
    recovered = Recovery.run(disk, OPTIONS, environment, new HashIndex());
    store = new OpenStore(disk, OPTIONS, environment, recovered);
    for (int i = 0; i < KEYS; i++) {
      put("key" + i);
    }
    for (int i = 0; i < KEYS; i += 3) {
      put("key" + i);
    }
    store.log.rollOnDemand();
    store.log.awaitSealed();
  }

  @AfterEach
  void discard() {
    store.close();
    disk.discard();
  }

  private void put(String key) {
    byte[] value = new byte[random.nextInt(60)];
    random.nextBytes(value);
    store.writes.put(key.getBytes(StandardCharsets.UTF_8), Encoding.BYTES, value);
    values.put(key, value);
  }

  private void delete(String key) {
    store.writes.delete(key.getBytes(StandardCharsets.UTF_8));
    values.remove(key);
  }

  private CompactionReport compact(CompactionRun.Pacer pacer) {
    List<Segment> victims =
        recovered.segments().all().stream().filter(segment -> segment.sealed() != null).toList();
    assertThat(victims).hasSizeGreaterThan(1);
    return new CompactionRun(
            store.log,
            recovered.index(),
            recovered.segments(),
            store.commit,
            store.settlement,
            new ReentrantReadWriteLock(),
            victims,
            true,
            pacer)
        .run();
  }

  private long garbage() {
    return Garbage.of(recovered.segments().all(), OPTIONS.compaction()).bytes();
  }

  private long expectedLive() {
    return values.entrySet().stream()
        .mapToLong(
            entry -> RecordFormat.recordBytes(entry.getKey().length(), entry.getValue().length))
        .sum();
  }

  private void requireEachKeyHoldsWhatWasPutLast() {
    assertThat(store.writes.size()).isEqualTo(values.size());
    assertThat(store.stats().liveBytes()).isEqualTo(expectedLive());
    for (int i = 0; i < KEYS; i++) {
      String key = "key" + i;
      assertThat(store.reads.get(key.getBytes(StandardCharsets.UTF_8)))
          .as(key)
          .isEqualTo(values.get(key));
    }
  }

  @Test
  void aPieceOfCopyingIsShortAlsoWhereAllLives() {
    for (int i = 0; i < KEYS; i++) {
      put("new" + i);
    }
    store.log.rollOnDemand();
    store.log.awaitSealed();
    long[] longest = {0};
    compact(
        new CompactionRun.Pacer() {
          @Override
          public void at(long bytesRead, long bytesCopied) {
            longest[0] = Math.max(longest[0], bytesCopied);
          }

          @Override
          public void rest() {}
        });
    assertThat(longest[0]).isBetween(CompactionRun.STEP_BYTES, 2 * CompactionRun.STEP_BYTES);
    assertThat(store.stats().liveBytes()).isEqualTo(expectedLive());
  }

  @Test
  void aStoreThatIsFullRefusesWhatNeedsASegmentAndNothingElse() {
    put("key1");
    Segment active = Objects.requireNonNull(store.log.activeSegment());
    long before = active.baseAddress() << 3;
    assertThat(recovered.segments().extend(active, (8L << 40) - before)).isTrue();
    byte[] key = "key2".getBytes(StandardCharsets.UTF_8);
    assertThatExceptionOfType(StoreIoException.class)
        .isThrownBy(() -> {
          while (true) {
            store.writes.put(key, Encoding.BYTES, new byte[1000]);
          }
        })
        .withMessageContaining("8 TiB")
        .matches(StoreIoException::isNoSpace);
    assertThat(store.commit.failure()).isNull();
    assertThat(store.reads.get(key)).hasSize(1000);
    assertThatExceptionOfType(StoreIoException.class)
        .isThrownBy(() -> compact(NO_PACE))
        .matches(StoreIoException::isNoSpace);
    assertThat(store.commit.failure()).isNull();
    assertThat(store.writes.size()).isEqualTo(KEYS);
  }

  @Test
  void whatIsCopiedIsAtNoTimeGarbage() {
    long before = garbage();
    int[] rests = {0};
    compact(
        new CompactionRun.Pacer() {
          @Override
          public void at(long bytesRead, long bytesCopied) {
            assertThat(garbage()).isEqualTo(before);
          }

          @Override
          public void rest() {
            rests[0]++;
            assertThat(garbage()).isEqualTo(before);
          }
        });
    assertThat(before).isPositive();
    assertThat(rests[0]).isGreaterThan(3);
    assertThat(garbage()).isZero();
    requireEachKeyHoldsWhatWasPutLast();
  }

  @Test
  void nothingIsLostOrMiscountedWhateverIsWrittenMeanwhile() {
    CompactionReport report =
        compact(
            new CompactionRun.Pacer() {
              private void write() {
                for (int i = 0; i < 300; i++) {
                  String key = "key" + random.nextInt(KEYS);
                  if (i % 4 == 0) {
                    delete(key);
                  } else {
                    put(key);
                  }
                }
              }

              @Override
              public void at(long bytesRead, long bytesCopied) {
                write();
              }

              @Override
              public void rest() {
                write();
              }
            });
    assertThat(report.segmentsWritten()).isOne();
    requireEachKeyHoldsWhatWasPutLast();
  }

  @Test
  void nothingIsLostOrMiscountedWhenRecordsAreReplacedAtTheVeryMoment()
      throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(100);
    Thread writer =
        new Thread(() -> {
          for (int i = 0; i < 30_000; i++) {
            put("key" + random.nextInt(KEYS));
            begun.countDown();
          }
        });
    compact(
        new CompactionRun.Pacer() {
          @Override
          public void at(long bytesRead, long bytesCopied) {}

          @Override
          public void rest() {
            if (writer.getState() == Thread.State.NEW) {
              writer.start();
              awaitWrites();
            }
          }

          private void awaitWrites() {
            try {
              begun.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        });
    writer.join();
    requireEachKeyHoldsWhatWasPutLast();
  }
}

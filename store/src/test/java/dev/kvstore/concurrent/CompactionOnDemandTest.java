package dev.kvstore.concurrent;

import static dev.kvstore.concurrent.StandingKeys.key;
import static dev.kvstore.concurrent.StandingKeys.restless;
import static dev.kvstore.concurrent.StandingKeys.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.CompactionJob;
import dev.kvstore.CompactionPolicy;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.StoreCompactionException;
import dev.kvstore.StoreInspector;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Compaction that somebody asks for: by many at once, cancelled, of everything.
@Timeout(60)
class CompactionOnDemandTest {
  private static final int KEYS = 2000;

  @TempDir private Path directory;

  private static Options manual() {
    return restless().toBuilder().compaction(CompactionPolicy.manual()).build();
  }

  private static void fill(KvStore store, long version) {
    for (int number = 0; number < KEYS; number++) {
      byte[] key = key("k", number);
      store.put(key, value(key, version));
    }
  }

  private static void assertHolds(KvStore store, long version) {
    assertThat(store.size()).isEqualTo(KEYS);
    for (int number = 0; number < KEYS; number++) {
      byte[] key = key("k", number);
      assertThat(store.get(key)).isEqualTo(value(key, version));
    }
  }

  private static long diskBytes(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .mapToLong(file -> {
            try {
              return Files.size(file);
            } catch (NoSuchFileException e) {
              return 0L; // the store lives: it renames and removes
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          })
          .sum();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void manyWhoAskAtOnceAreAllServed() throws Exception {
    try (KvStore store = KvStore.open(directory, manual());
        Crew crew = new Crew()) {
      for (int version = 0; version < 5; version++) {
        fill(store, version);
      }
      long before = diskBytes(directory);
      for (int thread = 0; thread < 6; thread++) {
        crew.once("asks " + thread, store::compact);
      }
      crew.begin().stop();
      assertThat(diskBytes(directory)).isLessThan(before / 2);
      assertHolds(store, 4);
    }
    assertThat(StoreInspector.verify(directory, Progress.NONE).damages()).isEmpty();
  }

  @Test
  void aCancelledJobLosesNothingAndMayBeStartedAgain() {
    try (KvStore store = KvStore.open(directory, manual())) {
      fill(store, 0);
      fill(store, 1);
      boolean cancelled = false;
      for (int turn = 0; turn < 50 && !cancelled; turn++) {
        CompactionJob job = store.startCompaction();
        job.cancel();
        try {
          job.join();
          fill(store, 1); // it was faster; make more garbage
        } catch (StoreCompactionException e) {
          assertThat(e).hasMessageContaining("cancelled");
          cancelled = true;
        }
      }
      assertThat(cancelled).isTrue();
      assertHolds(store, 1);
      CompactionJob again = store.startCompaction();
      assertThat(again.join().bytesFreed()).isPositive();
      assertThat(again.bytesDone()).isPositive();
      assertThat(again.future()).isCompleted();
      assertHolds(store, 1);
    }
    assertThat(StoreInspector.verify(directory, Progress.NONE).damages()).isEmpty();
  }

  @Test
  void cancelledJobFailsItsFutureToo() {
    try (KvStore store = KvStore.open(directory, manual())) {
      fill(store, 0);
      fill(store, 1);
      CompactionJob job = store.startCompaction();
      job.cancel();
      try {
        job.join();
      } catch (StoreCompactionException e) {
        assertThat(job.future()).isCompletedExceptionally();
        assertThatExceptionOfType(StoreCompactionException.class).isThrownBy(job::join);
      }
    }
  }

  @Test
  void aStoreWithoutKeysTakesLittleSpaceWhileItIsStillOpen() {
    try (KvStore store = KvStore.open(directory, manual())) {
      fill(store, 0);
      fill(store, 1);
      for (int number = 0; number < KEYS; number++) {
        assertThat(store.delete(key("k", number))).isTrue();
      }
      store.compact();
      assertThat(store.size()).isZero();
      assertThat(diskBytes(directory)).isLessThan(64 << 10);
      assertThat(store.stats().garbageBytes()).isZero();
    }
    try (KvStore store = KvStore.open(directory, manual())) {
      assertThat(store.size()).isZero();
      assertThat(store.keys()).isEmpty();
    }
  }

  @Test
  void aBigStoreWithoutKeysTakesLittleSpaceToo() {
    Options options = manual().toBuilder().segmentBytesMax(256L << 20).build();
    try (KvStore store = KvStore.open(directory, options)) {
      for (int number = 0; number < 3000; number++) {
        store.put(key("k", number), new byte[3000]);
      }
      for (int number = 0; number < 3000; number++) {
        store.delete(key("k", number));
      }
      store.compact();
      assertThat(diskBytes(directory)).isLessThan(64 << 10);
      store.put("a", "b");
      assertThat(store.getString("a")).contains("b");
    }
  }

  @Test
  void compactionLeavesNoGarbageWhereNobodyWrites() {
    try (KvStore store = KvStore.open(directory, manual())) {
      fill(store, 0);
      fill(store, 1);
      for (int number = 0; number < KEYS; number += 2) {
        store.delete(key("k", number));
      }
      store.compact();
      store.compact();
      assertThat(store.stats().garbageBytes()).isZero();
      assertThat(store.stats().keys()).isEqualTo(KEYS / 2);
      assertThat(store.compact().segmentsRemoved()).isZero();
    }
  }
}

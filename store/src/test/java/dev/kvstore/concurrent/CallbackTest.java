package dev.kvstore.concurrent;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What callers do around the store that must not stop it.
class CallbackTest {
  private static final byte[] KEY = "key".getBytes(UTF_8);

  @TempDir private Path directory;

  @Test
  void whatHangsOnAFutureMayWriteCompactAndCloseTheStore() throws Exception {
    KvStore store = KvStore.open(directory.resolve("store"));
    store
        .async()
        .put(KEY, KEY)
        .thenRun(() -> {
          store.put("more", "durable, from a callback");
          store.compact();
        })
        .get(60, TimeUnit.SECONDS);
    CompletableFuture<Void> closed = store.async().compact().thenRun(store::close);
    closed.get(60, TimeUnit.SECONDS);
    try (KvStore again = KvStore.open(directory.resolve("store"))) {
      assertThat(again.size()).isEqualTo(2);
    }
  }

  @Test
  void aStoreIsTheSameInALocaleWithDigitsOfItsOwn() {
    Locale before = Locale.getDefault();
    try (KvStore store = KvStore.open(directory.resolve("store"))) {
      store.put("a", "1");
    }
    try {
      Locale.setDefault(Locale.forLanguageTag("fa-IR"));
      try (KvStore store = KvStore.open(directory.resolve("store"))) {
        store.put("b", "2");
        assertThat(store.getString("a")).hasValue("1");
      }
    } finally {
      Locale.setDefault(before);
    }
    try (KvStore store = KvStore.open(directory.resolve("store"))) {
      assertThat(store.size()).isEqualTo(2);
      assertThat(store.recovery().damages()).isEmpty();
    }
  }

  @Test
  void closeDoesNotWaitForACompactionThatIsHeldBack() {
    Options slow =
        Options.builder()
            .segmentBytesMax(4 << 20)
            .compaction(CompactionPolicy.threshold(1 << 20))
            .compactionBytesPerSecondMax(64 << 10)
            .build();
    KvStore store = KvStore.open(directory.resolve("store"), slow);
    byte[] value = new byte[1 << 20];
    for (int turn = 0; turn < 4; turn++) {
      for (int number = 0; number < 8; number++) {
        store.put(("key" + (turn % 2 == 0 ? number : number / 2)).getBytes(UTF_8), value);
      }
    }
    Assertions.assertTimeoutPreemptively(Duration.ofSeconds(30), store::close);
  }
}

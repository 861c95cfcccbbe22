package dev.kvstore;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.RecoveryReport.Outcome;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// An interrupt inside a file channel would close it for everybody.
@Timeout(60)
class InterruptTest {
  private static final Options OPTIONS = StoreContract.OPTIONS;

  @TempDir private Path temporary;

  private KvStore open(Options options) {
    return KvStore.open(temporary, options);
  }

  private static byte[] key(int number) {
    return ("key-" + number).getBytes(UTF_8);
  }

  @Test
  void anInterruptNeitherFailsACallNorHarmsTheStore() {
    KvStore store = open(OPTIONS);
    KvStore always = store.withDurability(Durability.ALWAYS);
    Thread.currentThread().interrupt();
    try {
      for (int i = 0; i < 3000; i++) {
        always.put(key(i % 100), new byte[300]);
      }
      assertThat(always.get(key(1))).hasSize(300);
      always.sync();
      always.compact();
      assertThat(always.keys().count()).isEqualTo(100);
      always.write(new WriteBatch().put("a", "1"));
      always.awaitDurable(always.lastSequence());
      assertThat(Thread.currentThread().isInterrupted()).as("the flag stays").isTrue();
      store.close();
      store = open(OPTIONS);
      assertThat(Thread.currentThread().isInterrupted()).as("the flag stays").isTrue();
      assertThat(store.size()).isEqualTo(101);
      store.put("b", "1");
      store.close();
    } finally {
      Thread.interrupted();
    }
    store = open(OPTIONS);
    assertThat(store.size()).isEqualTo(102);
    assertThat(store.recovery().outcome()).isEqualTo(Outcome.CLEAN);
    store.close();
  }
}

package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.testkit.PublicCalls;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// An interrupt fails no call, harms no file and is not swallowed.
@Timeout(60)
class InterruptedCallerTest {
  @TempDir private Path directory;
  @TempDir private Path copies;

  @AfterEach
  void leaveNoInterrupt() {
    Thread.interrupted();
  }

  private static void interrupted(Runnable call) {
    interrupted("", call);
  }

  private static void interrupted(String name, Runnable call) {
    Thread.currentThread().interrupt();
    call.run();
    assertThat(Thread.interrupted()).as("the flag stays set " + name).isTrue();
  }

  private static byte[] key(int number) {
    return ("key" + number).getBytes(StandardCharsets.US_ASCII);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ALWAYS", "EVERY", "OS"})
  void everyCallDoesItsWorkWithTheFlagSet(String durability) throws Exception {
    Options options =
        Options.builder()
            .segmentBytesMax(16 << 10)
            .compaction(CompactionPolicy.manual())
            .durability(
                switch (durability) {
                  case "ALWAYS" -> Durability.ALWAYS;
                  case "EVERY" -> Durability.every(Duration.ofMillis(1));
                  default -> Durability.OS;
                })
            .build();
    KvStore[] opened = new KvStore[1];
    interrupted(() -> opened[0] = KvStore.open(directory, options));
    KvStore store = opened[0];
    for (int number = 0; number < 100; number++) {
      int one = number;
      interrupted(() -> store.put(key(one), new byte[1000])); // seals a segment now and then
    }
    PublicCalls calls = new PublicCalls(store, "c-");
    calls.byName().forEach((name, call) -> interrupted(name, call));
    calls.byName().forEach((name, call) -> interrupted(name, call)); // on what they have left
    CompletableFuture.runAsync(
            () -> {
              new PublicCalls(store, "other-").byName().values().forEach(Runnable::run);
              assertThat(store.get(key(1))).hasSize(1000);
              for (int number = 200; number < 250; number++) {
                store.put(key(number), new byte[1000]);
              }
              store.compact();
              store.sync();
            })
        .get(30, TimeUnit.SECONDS);
    long size = store.size();
    interrupted(store::close);
    PublicCalls.ofInspector(directory, copies).forEach((name, call) -> interrupted(name, call));
    interrupted(() -> {
      try (KvStore again = KvStore.open(directory, options)) {
        assertThat(again.size()).isEqualTo(size);
      }
    });
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void interruptsInTheMiddleOfCallsHarmNobody(boolean virtual) throws Exception {
    Options options =
        Options.builder()
            .segmentBytesMax(16 << 10)
            .compaction(CompactionPolicy.threshold(10_000))
            .build();
    try (KvStore store = KvStore.open(directory, options)) {
      Thread writer =
          (virtual ? Thread.ofVirtual() : Thread.ofPlatform())
              .start(() -> {
                for (int number = 0; number < 300; number++) {
                  store.put(key(number % 50), new byte[900]);
                  store.keys().count();
                }
              });
      long interrupts = 0;
      for (; writer.isAlive(); interrupts++) {
        writer.interrupt();
        Thread.onSpinWait();
      }
      writer.join();
      assertThat(interrupts).isPositive();
      assertThat(store.lastSequence()).isEqualTo(300);
      assertThat(store.durableSequence()).isEqualTo(300);
      store.compact();
    }
    try (KvStore store = KvStore.open(directory, options)) {
      assertThat(store.size()).isEqualTo(50);
    }
  }
}

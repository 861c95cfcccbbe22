package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class InsertsTest {
  @Test
  void theEndWaitsForTheOldestInsertUnderWay() {
    Inserts inserts = new Inserts(100);
    long first = inserts.begin();
    long second = inserts.begin();
    inserts.end(second);
    assertThat(inserts.end()).isEqualTo(100);
    inserts.end(first);
    assertThat(inserts.end()).isEqualTo(102);
  }

  @Test
  void nothingBelowTheEndIsMissingWhileThreadsInsert() throws Exception {
    int each = 200_000;
    Inserts inserts = new Inserts(0);
    AtomicIntegerArray there = new AtomicIntegerArray(2 * each);
    AtomicBoolean wrong = new AtomicBoolean();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int done = 0; done < each; done++) {
                  long number = inserts.begin();
                  there.set((int) number, 1);
                  inserts.end(number);
                  long end = inserts.end();
                  if (end > 0 && there.get((int) end - 1) == 0) {
                    wrong.set(true);
                  }
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(wrong).isFalse();
    assertThat(inserts.end()).isEqualTo(2L * each);
  }
}

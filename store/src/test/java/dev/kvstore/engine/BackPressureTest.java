package dev.kvstore.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BackPressureTest {
  private static final double FREED_PER_SECOND = 1_000_000;

  private static long nanosOf(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return System.nanoTime() - start;
  }

  @Test
  void nobodyWaitsUpToTwiceTheLengthThatIsAllowed() {
    BackPressure pressure = new BackPressure();
    pressure.start();
    pressure.update(2000, 1000, FREED_PER_SECOND);
    assertThat(pressure.isOn()).isFalse();
    assertThat(pressure.describe()).isEmpty();
    pressure.await(1 << 30);
    assertThat(pressure.waitedNanos()).isZero();
  }

  @Test
  void atThreeTimesTheLengthGarbageGrowsNoFasterThanItIsFreed() {
    BackPressure pressure = new BackPressure();
    pressure.start();
    pressure.update(3000, 1000, FREED_PER_SECOND);
    pressure.await(0);
    long took =
        nanosOf(() -> {
          for (long garbage = 1; garbage <= 300; garbage++) {
            pressure.await(garbage * 1000); // 1 ms each
          }
        });
    assertThat(took).isGreaterThan(250_000_000);
    assertThat(pressure.waitedNanos()).isGreaterThan(200_000_000).isLessThanOrEqualTo(took);
    assertThat(pressure.describe()).contains("writers wait");
  }

  @Test
  void halfWayThereItGrowsTwiceAsFast() {
    BackPressure pressure = new BackPressure();
    pressure.start();
    pressure.update(2500, 1000, FREED_PER_SECOND);
    pressure.await(0);
    long took =
        nanosOf(() -> {
          for (long garbage = 1; garbage <= 300; garbage++) {
            pressure.await(garbage * 1000);
          }
        });
    assertThat(took).isGreaterThan(120_000_000);
  }

  @Test
  void beyondThatItGrowsMoreSlowlyThanItIsFreed() {
    BackPressure pressure = new BackPressure();
    pressure.start();
    pressure.update(5000, 1000, FREED_PER_SECOND);
    pressure.await(0);
    long took =
        nanosOf(() -> {
          for (long garbage = 1; garbage <= 100; garbage++) {
            pressure.await(garbage * 1000);
          }
        });
    assertThat(took).isGreaterThan(250_000_000);
  }

  @Test
  void noWriteWaitsLongerThanTheLongest() {
    BackPressure pressure = new BackPressure();
    pressure.start();
    pressure.update(10_000, 1000, FREED_PER_SECOND);
    pressure.await(0);
    AtomicLong garbage = new AtomicLong();
    long took = nanosOf(() -> pressure.await(garbage.addAndGet(1L << 40)));
    assertThat(took).isBetween(BackPressure.WAIT_MOST_NANOS, 40 * BackPressure.WAIT_MOST_NANOS);
  }

  @Test
  void whoLooksTooLateDoesNotHoldAnybodyUp() {
    BackPressure pressure = new BackPressure();
    pressure.start();
    pressure.end();
    pressure.update(10_000, 1000, FREED_PER_SECOND);
    assertThat(pressure.isOn()).isFalse();
  }

  @Test
  void whoWaitsGoesOnWhenThePressureIsLifted() throws InterruptedException {
    BackPressure pressure = new BackPressure();
    pressure.start();
    pressure.update(10_000, 1000, FREED_PER_SECOND);
    pressure.await(0);
    Thread writer =
        Thread.ofVirtual()
            .start(() -> {
              for (long garbage = 1; garbage < 1000; garbage++) {
                pressure.await(garbage << 30); // as long as may be, each time: 50 s in all
              }
            });
    while (writer.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    pressure.end();
    writer.join(10_000);
    assertThat(writer.isAlive()).isFalse();
  }

  @Test
  void whoIsInterruptedGoesOnAndStaysInterrupted() {
    BackPressure pressure = new BackPressure();
    pressure.start();
    pressure.update(10_000, 1000, FREED_PER_SECOND);
    pressure.await(0);
    Thread.currentThread().interrupt();
    pressure.await(1L << 40);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(pressure.waitedNanos()).isLessThan(BackPressure.WAIT_MOST_NANOS);
  }

  @Test
  void whoMakesLittleGarbageDoesNotWait() throws InterruptedException {
    BackPressure pressure = new BackPressure();
    pressure.start();
    pressure.update(3000, 1000, FREED_PER_SECOND);
    pressure.await(0);
    for (long garbage = 1; garbage <= 20; garbage++) {
      Thread.sleep(2);
      pressure.await(garbage * 100); // due after 0.1 ms
    }
    assertThat(pressure.waitedNanos()).isZero();
  }
}

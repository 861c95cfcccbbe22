package dev.kvstore.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CompactionPaceTest {
  private static final long PIECE = 256 << 10;
  private static final long WORK = 1_000_000;

  private static CompactionPace after(int pieces, long quick, long slow, int everyNthIsSlow) {
    CompactionPace pace = new CompactionPace();
    for (int i = 1; i <= pieces; i++) {
      pace.worked(i % everyNthIsSlow == 0 ? slow : quick, PIECE);
    }
    return pace;
  }

  @Test
  void whoIsAloneDoesNotRest() {
    CompactionPace pace = after(200, 100_000, 110_000, 3);
    assertThat(pace.contention()).isLessThan(0.25);
    assertThat(pace.restAfter(WORK, 0)).isZero();
  }

  @Test
  void whoIsHeldUpNowAndThenRestsLongerThanItWorks() {
    // One piece in ten waits for a scheduler's slice of 3 ms.
    CompactionPace pace = after(200, 250_000, 3_250_000, 10);
    assertThat(pace.contention()).isBetween(0.8, 2.0);
    assertThat(pace.restAfter(WORK, 0)).isGreaterThan(WORK);
  }

  @Test
  void contentionThatNeverEndsIsNotTakenForNormal() {
    CompactionPace pace = after(100_000, 250_000, 3_250_000, 10);
    assertThat(pace.contention()).isGreaterThan(0.8);
  }

  @Test
  void contentionIsForgottenWhenItEnds() {
    CompactionPace pace = after(200, 250_000, 3_250_000, 10);
    for (int i = 0; i < 200; i++) {
      pace.worked(250_000, PIECE);
    }
    assertThat(pace.restAfter(WORK, 0)).isZero();
  }

  @Test
  void otherRecordsThatCostMoreAreSoonTheMeasure() {
    CompactionPace pace = after(200, 100_000, 100_000, 1);
    for (int i = 0; i < 200; i++) {
      pace.worked(400_000, PIECE);
    }
    assertThat(pace.restAfter(WORK, 0)).isZero();
  }

  @Test
  void restEndsWithUrgencyAndNeverTakesMoreThanNineTenths() {
    CompactionPace pace = after(200, 1_000, 3_000_000, 2);
    assertThat(pace.restAfter(WORK, 0)).isEqualTo(9 * WORK);
    assertThat(pace.restAfter(WORK, 0.5)).isEqualTo(9 * WORK / 2);
    assertThat(pace.restAfter(WORK, 1)).isZero();
  }

  @Test
  void urgencyGrowsFromEnoughGarbageToATwentiethMore() {
    assertThat(CompactionPace.urgency(900, 1000)).isZero();
    assertThat(CompactionPace.urgency(1000, 1000)).isZero();
    assertThat(CompactionPace.urgency(1025, 1000)).isBetween(0.49, 0.51);
    assertThat(CompactionPace.urgency(1050, 1000)).isEqualTo(1);
    assertThat(CompactionPace.urgency(5000, 1000)).isEqualTo(1);
  }
}

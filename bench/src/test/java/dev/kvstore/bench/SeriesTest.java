package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class SeriesTest {
  @Test
  void theMedianIsTheOneInTheMiddleOrBetweenTheTwoInTheMiddle() {
    assertThat(new Series(Map.of(0, 9.0, 1, 1.0, 2, 2.0)).median()).hasValue(2);
    assertThat(new Series(Map.of(0, 9.0, 1, 1.0, 2, 2.0, 3, 4.0)).median()).hasValue(3);
    assertThat(Series.NONE.median()).isEmpty();
  }

  @Test
  void ratiosAreThoseOfTheSameRound() {
    Series ours = new Series(Map.of(0, 10.0, 1, 30.0, 2, 100.0));
    Series theirs = new Series(Map.of(0, 5.0, 1, 30.0, 2, 25.0));
    // The ratio of the medians would be 30 / 25.
    assertThat(ours.timesBetter(theirs, Unit.PER_SECOND).byRound())
        .isEqualTo(Map.of(0, 2.0, 1, 1.0, 2, 4.0));
    assertThat(ours.timesBetter(theirs, Unit.PER_SECOND).median()).hasValue(2);
  }

  @Test
  void lessIsBetterForTimes() {
    Series ours = new Series(Map.of(0, 10.0));
    Series theirs = new Series(Map.of(0, 50.0));
    assertThat(ours.timesBetter(theirs, Unit.MILLIS).median()).hasValue(5);
  }

  @Test
  void aRoundThatOneOfTheTwoDoesNotHaveIsLeftOut() {
    Series ours = new Series(Map.of(0, 10.0, 1, 30.0));
    Series theirs = new Series(Map.of(1, 10.0, 2, 1.0));
    assertThat(ours.timesBetter(theirs, Unit.PER_SECOND).byRound()).isEqualTo(Map.of(1, 3.0));
  }
}

package dev.kvstore.bench.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AxisTest {
  @ParameterizedTest
  @CsvSource({"16.8, 20", "1, 1", "0.37, 0.4", "51, 60", "1234567, 1500000"})
  void anEvenAxisEndsAtARoundNumber(double most, double to) {
    Axis axis = Axis.fromZero(most, 0, 100);
    assertThat(axis.to()).isCloseTo(to, within(1e-6 * to));
    assertThat(axis.ticks()).hasSizeBetween(3, 7).startsWith(0.0);
    assertThat(axis.at(0)).isZero();
    assertThat(axis.at(axis.to())).isEqualTo(100);
  }

  @ParameterizedTest
  @CsvSource({"0.3, 700, 0.2, 1000", "1, 1, 1, 10", "1000, 100000, 1000, 100000", "3, 4, 2, 5"})
  void aLogarithmicAxisEndsAroundItsValues(double least, double most, double from, double to) {
    Axis axis = Axis.logarithmic(least, most, 400, 0);
    assertThat(axis.from()).isCloseTo(from, within(1e-9 * from));
    assertThat(axis.to()).isCloseTo(to, within(1e-9 * to));
    assertThat(axis.at(from)).isCloseTo(400, within(1e-6));
    assertThat(axis.at(to)).isCloseTo(0, within(1e-6));
    assertThat(axis.at(Math.sqrt(from * to))).isCloseTo(200, within(1e-6));
  }

  @Test
  void ticksOfALogarithmicAxisAreRound() {
    assertThat(Axis.logarithmic(1e6, 1e8, 0, 1).ticks())
        .isEqualTo(List.of(1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8));
    assertThat(Axis.logarithmic(0.1, 1e6, 0, 1).ticks()).hasSize(8);
  }
}

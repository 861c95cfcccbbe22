package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class PerfStatTest {
  @Test
  void countsAreReadAndWhatCannotBeCountedIsLeftOut() {
    String output =
        """
        1234567,,cycles:u,1000000,100.00,,
        <not supported>,,instructions:u,0,100.00,,
        <not counted>,,cache-misses:u,0,100.00,,
        77,,cache-misses:u,500000,50.00,,
        """;
    assertThat(PerfStat.counts(output))
        .isEqualTo(Map.of("cycles", 1234567.0, "cache-misses", 77.0));
  }

  @Test
  void otherWordsAreNoCounts() {
    assertThat(PerfStat.counts("Error: permission denied\n")).isEmpty();
  }
}

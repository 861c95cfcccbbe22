package dev.kvstore.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class LockOwnerTest {
  @Test
  void timesAlwaysHaveSeconds() {
    for (String time :
        new String[] {
          "2026-03-01T09:30:00Z",
          "2026-03-01T00:00:00Z",
          "2026-03-01T09:30:01Z",
          "2026-03-01T09:30:59Z",
          "2026-12-31T23:59:10Z"
        }) {
      assertThat(LockOwner.utc(Instant.parse(time).getEpochSecond())).isEqualTo(time);
    }
  }
}

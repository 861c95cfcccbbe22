package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DataTest {
  private static final Data DATA = new Data(10_000, 16, 100);

  @ParameterizedTest
  @ValueSource(longs = {0, 1, -1, 42, Long.MIN_VALUE, Long.MAX_VALUE, 0x9E37_79B9_7F4A_7C15L})
  void unmixUndoesMix(long number) {
    assertThat(Data.unmix(Data.mix(number))).isEqualTo(number);
    assertThat(Data.mix(Data.unmix(number))).isEqualTo(number);
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 11, 100, 16384})
  void theVersionCanBeReadBackFromAValue(int valueBytes) {
    Data data = new Data(10, 16, valueBytes);
    for (int version : new int[] {0, 1, 77, Integer.MAX_VALUE}) {
      assertThat(data.version(5, data.value(5, version))).isEqualTo(version);
    }
  }

  @Test
  void aFlippedBitAnywhereIsFound() {
    for (int bit = 0; bit < 8 * 103; bit++) {
      Data data = new Data(10, 16, 103);
      byte[] value = data.value(3, 4);
      value[bit / 8] ^= (byte) (1 << (bit % 8));
      assertThatThrownBy(() -> data.check(3, 4, value)).isInstanceOf(AssertionError.class);
      assertThatThrownBy(() -> data.version(3, value)).isInstanceOf(AssertionError.class);
    }
  }

  @Test
  void theValueOfAnotherKeyOrVersionIsFound() {
    assertThatThrownBy(() -> DATA.check(3, 0, DATA.value(4, 0))).hasMessageContaining("key 3");
    assertThatThrownBy(() -> DATA.check(3, 0, DATA.value(3, 1))).isInstanceOf(AssertionError.class);
    assertThatThrownBy(() -> DATA.version(3, DATA.value(4, 0))).isInstanceOf(AssertionError.class);
    assertThatThrownBy(() -> DATA.check(3, 0, null)).hasMessageContaining("absent");
    assertThatThrownBy(() -> DATA.version(3, null)).hasMessageContaining("absent");
  }

  @Test
  void keysDiffer() {
    Set<String> keys = new HashSet<>();
    for (long number = 0; number < DATA.keys(); number++) {
      keys.add(new String(DATA.key(number), StandardCharsets.ISO_8859_1));
    }
    assertThat(keys).hasSize((int) DATA.keys());
  }

  @Test
  void picksAreEvenlySpread() {
    int[] counts = new int[10];
    for (long turn = 0; turn < 100_000; turn++) {
      counts[(int) (DATA.pick(turn) * counts.length / DATA.keys())]++;
    }
    for (int count : counts) {
      assertThat(count).isBetween(9_500, 10_500);
    }
  }
}

package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GlobTest {
  @ParameterizedTest
  @CsvSource({
    "*, anything, true",
    "*, '', true",
    "'', '', true",
    "'', a, false",
    "a*b, ab, true",
    "a*b, axxb, true",
    "a*b, axxbc, false",
    "a?c, abc, true",
    "a?c, ac, false",
    "a?c, a\uD83D\uDE00c, true",
    "[abc]x, bx, true",
    "[a-c]x, dx, false",
    "[!a-c]x, dx, true",
    "[^a-c]x, ax, false",
    "[]]x, ]x, true",
    "[a-], -, true",
    "a\\*, a*, true",
    "a\\*, ab, false",
    "[\\]]x, ]x, true",
    "**, abc, true",
    "*a*b*c*, xaybzc, true",
    "*.txt, a.txt, true",
    "a, aa, false",
  })
  void matchesAsShellsDo(String pattern, String key, boolean expected) {
    Glob glob = new Glob(pattern);
    assertThat(glob.matches(key.getBytes(StandardCharsets.UTF_8))).isEqualTo(expected);
  }

  @Test
  void bytesThatAreNoTextAreCharactersOfTheirOwn() {
    assertThat(new Glob("??").matches(new byte[] {(byte) 0xFF, (byte) 0xFE})).isTrue();
  }

  @Test
  void manyStarsTakeNoTime() {
    Glob glob = new Glob("a*".repeat(200) + "b");
    byte[] key = "a".repeat(20_000).getBytes(StandardCharsets.UTF_8);
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20), () -> assertThat(glob.matches(key)).isFalse());
  }
}

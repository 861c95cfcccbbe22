package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonLinesTest {
  @Test
  void whatIsAppendedIsReadBack(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("lines");
    JsonLines.append(file, Map.of("a", 1, "b", 2.5, "c", "say \"<&>\""));
    JsonLines.append(file, Map.of("d", 1L << 40));
    assertThat(JsonLines.read(file))
        .containsExactly(
            Map.of("a", 1.0, "b", 2.5, "c", "say \"<&>\""), Map.of("d", (double) (1L << 40)));
  }
}

package dev.kvstore.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// The manual page in the tree says what the verbs say. With `-Dkvstore.manual.write=true` it is
/// written anew instead:
///
/// `make test MVN_FLAGS="-pl cli -am -Dtest=ManualPageTest -Dkvstore.manual.write=true"`
class ManualPageTest {
  private static final Path PAGE = Path.of("src", "main", "man", "kvstore.1");

  @Test
  void theManualPageIsInStepWithTheVerbs() throws IOException {
    String made = ManualPage.make();
    if (Boolean.getBoolean("kvstore.manual.write")) {
      Files.writeString(PAGE, made);
    }
    assertThat(Files.readString(PAGE)).isEqualTo(made);
    for (String verb : Verbs.NAMES) {
      assertThat(made).contains("\n.SS " + verb);
    }
  }
}

package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ResultsSectionTest {
  @Test
  void onlyWhatIsBetweenTheMarksIsReplaced() {
    String text = "before\n<!-- results -->\n\nold\n\n<!-- /results -->\nbehind\n";
    String replaced = ResultsSection.replaced(text, "new\n");
    assertThat(replaced)
        .isEqualTo("before\n<!-- results -->\n\nnew\n\n<!-- /results -->\nbehind\n");
    assertThat(ResultsSection.replaced(replaced, "new\n")).isEqualTo(replaced);
  }

  @Test
  void aFileWithoutMarksIsRefused() {
    assertThatThrownBy(() -> ResultsSection.replaced("text", "new"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ResultsSection.replaced("<!-- /results --> <!-- results -->", "new"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RowsTest {
  @Test
  void namesDiffer() {
    assertThat(Rows.all()).extracting(Row::name).doesNotHaveDuplicates();
  }

  @Test
  void whatARowNeedsRunsBeforeItAndLeavesItsStore() {
    List<Row> rows = Rows.all();
    for (Row row : rows) {
      row.after()
          .ifPresent(name -> {
            Row first = Rows.named(name);
            assertThat(rows.indexOf(first)).as(row.name()).isLessThan(rows.indexOf(row));
            assertThat(first.after()).isEmpty();
            assertThat(first.store()).isEqualTo(row.store());
            assertThat(first.shape()).as(row.name()).isEqualTo(row.shape());
          });
    }
  }

  @Test
  void rowsThatChangeVersionsAreTheLastOfTheirStore() {
    List<Row> rows = Rows.all();
    for (Row row : rows) {
      if (row.work() instanceof OverwriteWork) {
        assertThat(rows.stream().filter(other -> other.store().equals(row.store())).toList())
            .last()
            .isEqualTo(row);
      }
    }
  }

  @Test
  void goalsSpeakOfRowsThatThereAre() {
    for (Row row : Rows.all()) {
      for (Metric metric : row.metrics()) {
        for (Goal goal : metric.goals()) {
          switch (goal) {
            case Goal.Row(String name, String key, double times, String words) ->
                assertThat(Rows.named(name).metrics()).extracting(Metric::key).contains(key);
            case Goal.BestOf(String name, double times, String words) ->
                assertThat(Rows.named(name).metrics())
                    .extracting(Metric::key)
                    .contains(metric.key());
            default -> assertThat(row.by()).isNotEqualTo(Row.By.MACHINE);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void setsNameRowsThatThereAre(RowSet set) {
    assertThat(set.rows()).isNotEmpty().allSatisfy(Rows::named).doesNotHaveDuplicates();
    assertThat(RowSet.named(set.word())).contains(set);
  }

  @Test
  void everyRowIsInASetOfTheFullRun() {
    List<String> full =
        Stream.of(RowSet.EACH, RowSet.GROWN, RowSet.LARGE, RowSet.HUGE)
            .flatMap(set -> set.rows().stream())
            .toList();
    assertThat(Rows.all())
        .filteredOn(row -> !row.onlyPrepares())
        .allSatisfy(row -> assertThat(full).contains(row.name()));
  }
}

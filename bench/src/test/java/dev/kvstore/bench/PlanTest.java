package dev.kvstore.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlanTest {
  private static Plan plan(String... arguments) {
    return Plan.parse(List.of(arguments), "now");
  }

  @Test
  void optionsAreTaken() {
    Plan plan =
        plan(
            "--peers",
            "lmdb,kvstore",
            "--keys",
            "2_000",
            "--key-bytes",
            "8",
            "--value-bytes",
            "1000",
            "--rounds",
            "5",
            "--seconds",
            "0.5",
            "--limit",
            "7",
            "--json",
            "a/b.jsonl",
            "--report",
            "yes",
            "--write",
            "c.md",
            "--plots",
            "d");
    assertThat(plan.peers()).containsExactly(PeerKind.LMDB, PeerKind.KVSTORE);
    assertThat(plan.data()).isEqualTo(new Data(2000, 8, 1000));
    assertThat(plan.rounds()).isEqualTo(5);
    assertThat(plan.seconds()).isEqualTo(0.5);
    assertThat(plan.limitSeconds()).isEqualTo(7);
    assertThat(plan.lines()).isEqualTo(Path.of("a/b.jsonl"));
    assertThat(plan.measure()).isFalse();
    assertThat(plan.write()).contains(Path.of("c.md"));
    assertThat(plan.plots()).contains(Path.of("d"));
  }

  @Test
  void aRowBringsTheOneThatItNeeds() {
    assertThat(plan("--rows", "miss,get").rows())
        .extracting(Row::name)
        .containsExactly("load", "get", "miss");
  }

  @Test
  void allAndMainAreNames() {
    assertThat(plan("--rows", "all").rows()).isEqualTo(Rows.all());
    assertThat(plan("--rows", "main").rows()).isEqualTo(plan().rows());
    assertThat(plan("--peers", "all").peers()).containsExactly(PeerKind.values());
  }

  @Test
  void aRowMayHaveDataOfItsOwn() {
    Plan plan = plan("--rows", "get,get-16k,bytes-64", "--keys", "1000000");
    assertThat(plan.task(Rows.named("get"), Optional.empty(), 0).data())
        .isEqualTo(new Data(1_000_000, 16, 100));
    assertThat(plan.task(Rows.named("get-16k"), Optional.empty(), 0).data())
        .isEqualTo(new Data(65_536, 16, 16_384));
    assertThat(plan.task(Rows.named("bytes-64"), Optional.empty(), 0).data())
        .isEqualTo(new Data(1_000_000, 64, 100));
  }

  @Test
  void aTaskSurvivesTheCommandLine() {
    Plan plan = plan("--rows", "all", "--stores", "somewhere");
    for (Row row : plan.rows()) {
      for (Optional<PeerKind> peer :
          List.of(Optional.of(PeerKind.LMDB), Optional.<PeerKind>empty())) {
        Task task = plan.task(row, peer, 3);
        assertThat(Task.parse(task.arguments())).isEqualTo(task);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--rows nothing",
        "--peers nobody",
        "--keys",
        "--keys many",
        "--colour red",
        "--keys 0",
        "--key-bytes 7"
      })
  void whatIsWrongIsRefused(String arguments) {
    assertThatThrownBy(() -> plan(arguments.split(" ", -1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

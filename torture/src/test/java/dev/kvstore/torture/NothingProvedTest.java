package dev.kvstore.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.KvStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A run that lost nothing because it put nothing to the test does not pass.
@Timeout(120)
class NothingProvedTest {
  private static final int SIGKILL = 128 + 9;

  @TempDir private Path temporary;

  private TortureReport run(Class<?> writer, int rounds) {
    TortureReport report =
        Runs.run(
            Runs.options(temporary, Duration.ofSeconds(60), rounds, 1),
            new WriterCommand(writer, List.of(), false),
            soFar -> {});
    assertThat(report.verdict()).as(report.toString()).isEqualTo(TortureReport.Verdict.INCOMPLETE);
    assertThat(report.rounds()).isEqualTo(rounds);
    assertThat(report.problems()).isEmpty();
    return report;
  }

  @Test
  void aRunWhoseWritersAreAllKilledByOthersIsIncomplete() {
    TortureReport report = run(KilledByOthers.class, 3);
    assertThat(report.killsByOthers()).isEqualTo(3);
    assertThat(report.killsTotal()).isZero();
    assertThat(report.writes()).isPositive();
    assertThat(report.incident()).isEqualTo("no writer was killed by this run");
  }

  @Test
  void aRunThatSawNoWriteIsIncomplete() {
    TortureReport report = run(Idle.class, 2);
    assertThat(report.killsTotal()).isEqualTo(2);
    assertThat(report.incident()).contains("no write was acknowledged");
  }

  /// Writes a little and dies as one that is killed does, before it is what anybody waits for.
  static final class KilledByOthers {
    private KilledByOthers() {}

    public static void main(String[] arguments) throws Exception {
      WriterPlan plan = WriterPlan.parse(arguments);
      Ledger ledger = Ledger.open(plan.ledger());
      KvStore store = KvStore.open(plan.store(), plan.options());
      for (int key = 0; key < 10; key++) {
        Write write = new Write(ledger.nextNumber(0), List.of(new Write.Change(key, 5)));
        ledger.announce(0, write);
        store.put(Content.key(0, key), Content.value(write.number(), 0, key, 5));
        ledger.acknowledge(0, write);
      }
      Runtime.getRuntime().halt(SIGKILL);
    }
  }

  /// Opens the store and waits for its end.
  static final class Idle {
    private Idle() {}

    public static void main(String[] arguments) throws Exception {
      WriterPlan plan = WriterPlan.parse(arguments);
      Ledger ledger = Ledger.open(plan.ledger());
      ledger.phase(Phase.OPENING);
      KvStore.open(plan.store(), plan.options());
      ledger.add(Ledger.Counter.OPENS, 1);
      ledger.phase(Phase.WRITING);
      while (System.in.read() >= 0) {
        // Nobody says anything.
      }
    }
  }
}

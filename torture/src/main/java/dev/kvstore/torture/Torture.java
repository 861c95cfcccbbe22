package dev.kvstore.torture;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.StoreIoException;
import dev.kvstore.torture.TortureReport.Verdict;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/// Kills writers on one store, round after round, and holds the store to what they were told.
///
/// A round: a [Writer] in a process of its own, whose work is drawn, is killed at a moment that is drawn;
/// then the [Autopsy] compares the store with the [Ledger]. The first problem ends the run, and nothing is
/// touched from then on.
///
/// - Threads: [#run] once, by one thread; [#stop] from any.
/// - Failure: what the store does wrong is in the report. A full disk, or a writer that cannot be started,
///   is no fault of the store and makes a run incomplete. So does it that no write was acknowledged, or
///   that no writer died by this run's hand: then nothing was tested.
public final class Torture {
  private static final long POLL_NANOS = 20_000;

  /// How long a writer that has opened the store may take to come where it is to be killed; then any moment
  /// will do.
  private static final long PATIENCE_NANOS = 3_000_000_000L;

  /// How long it may take to open the store.
  private static final long OPEN_NANOS_MAX = 300_000_000_000L;

  private static final List<Long> SEGMENT_BYTES = List.of(16L << 10, 64L << 10, 1L << 20);
  private static final List<CompactionPolicy> COMPACTIONS =
      List.of(
          CompactionPolicy.manual(),
          CompactionPolicy.threshold(20_000),
          CompactionPolicy.automatic(0.3, 64 << 10));
  private static final int SESSION_MILLIS_MOST = 80;
  private static final int ROUNDS_FOR_A_TEST = 20;

  private final TortureOptions options;
  private final WriterCommand command;
  private final Consumer<TortureReport> listener;
  private final SplittableRandom random;
  private final Tally tally = new Tally();

  private volatile boolean stopped;

  /// @param listener is told after each round how things stand
  public Torture(TortureOptions options, Consumer<TortureReport> listener) {
    this(options, WriterCommand.USUAL, listener);
  }

  Torture(TortureOptions options, WriterCommand command, Consumer<TortureReport> listener) {
    this.options = options;
    this.command = command;
    this.listener = listener;
    this.random = new SplittableRandom(options.seed());
  }

  /// Ends the run soon: the writer at work is killed and that round checked.
  public void stop() {
    stopped = true;
  }

  /// Runs until time is up, somebody stops it, or something is wrong.
  public TortureReport run() throws IOException, InterruptedException {
    Path file = options.work().resolve("ledger");
    long end = System.nanoTime() + options.duration().toNanos();
    try (Ledger ledger = Ledger.create(file, options.threadsMax(), options.keys())) {
      Autopsy autopsy = new Autopsy(options.store(), ledger, tally, command.expectsTrouble());
      try {
        for (int round = 0; round < options.roundsMax(); round++) {
          round(round, ledger, file, autopsy);
          listener.accept(tally.report(ledger, Verdict.PASSED, List.of(), ""));
          if (stopped || (System.nanoTime() - end >= 0 && isEnough(round, ledger))) {
            break;
          }
        }
        return passed(ledger);
      } catch (LossException e) {
        return tally.report(ledger, Verdict.FAILED, e.problems(), "");
      } catch (EndException e) {
        return tally.report(ledger, Verdict.INCOMPLETE, List.of(), text(e));
      } catch (StoreIoException e) {
        if (!e.isNoSpace()) {
          throw e;
        }
        return tally.report(ledger, Verdict.INCOMPLETE, List.of(), noSpace(text(e)));
      }
    }
  }

  /// Time is up; but a run that has tested nothing yet goes on for a while.
  private boolean isEnough(int round, Ledger ledger) {
    return round >= ROUNDS_FOR_A_TEST || whyNothingWasTested(ledger).isEmpty();
  }

  private TortureReport passed(Ledger ledger) {
    String why = whyNothingWasTested(ledger);
    Verdict verdict = why.isEmpty() ? Verdict.PASSED : Verdict.INCOMPLETE;
    return tally.report(ledger, verdict, List.of(), why);
  }

  /// Empty if something was.
  private String whyNothingWasTested(Ledger ledger) {
    if (ledger.count(Ledger.ThreadCounter.WRITES) == 0) {
      return "too short, no write was acknowledged";
    }
    return tally.killsAtWork() == 0 ? "no writer was killed by this run" : "";
  }

  /// Ends a run for a reason that is not the store's.
  private static final class EndException extends Exception {
    private static final long serialVersionUID = 1L;

    EndException(String reason) {
      super(reason);
    }
  }

  private static String text(Exception e) {
    return String.valueOf(e.getMessage());
  }

  private static String noSpace(String message) {
    return "no space left on the disk: " + message;
  }

  // ---- A round

  private void round(int round, Ledger ledger, Path file, Autopsy autopsy)
      throws IOException, InterruptedException, LossException, EndException {
    Aim aim = Aim.random(random);
    WriterPlan plan = draw(aim, file);
    ledger.phase(Phase.STARTING);
    ledger.compacting(false);
    String full = "";
    try (WriterProcess writer =
        WriterProcess.start(command, plan, options.work().resolve("writer.log"))) {
      waitFor(aim, writer, ledger);
      if (writer.kill()) {
        tally.killed(ledger.phase());
      } else if (writer.wasKilledByOthers()) {
        tally.killedByOthers();
      } else if (writer.exitCode() == Writer.NO_SPACE) {
        full = writer.said(); // what it was told before that counts
      } else if (ledger.phase() == Phase.STARTING) {
        throw new EndException(
            "no writer can be started (exit code " + writer.exitCode() + "): " + writer.said());
      } else {
        throw new LossException(
            List.of(
                "the writer ended by itself while it was "
                    + word(ledger.phase())
                    + ", with exit code "
                    + writer.exitCode()
                    + ": "
                    + writer.said().lines().findFirst().orElse("without a word"),
                describe(round, aim, plan),
                writer.said()));
      }
    }
    try {
      autopsy.perform(ledger.phase(), random);
    } catch (LossException e) {
      List<String> problems = new ArrayList<>(e.problems());
      problems.add(1, describe(round, aim, plan));
      throw new LossException(problems);
    }
    tally.round();
    if (!full.isEmpty()) {
      throw new EndException(noSpace(full));
    }
  }

  private WriterPlan draw(Aim aim, Path ledger) {
    return new WriterPlan(
        options.store(),
        ledger,
        options.durabilities().get(random.nextInt(options.durabilities().size())),
        SEGMENT_BYTES.get(random.nextInt(SEGMENT_BYTES.size())),
        COMPACTIONS.get(random.nextInt(COMPACTIONS.size())),
        random.nextInt(3) == 0 ? 1 : 1 + random.nextInt(options.threadsMax()),
        aim.phase() == Phase.COMPACTING || random.nextInt(4) == 0,
        aim.needsSessions() ? 1 + random.nextInt(SESSION_MILLIS_MOST) : 0,
        options.valueBytesMax(),
        command.expectsTrouble(),
        random.nextLong());
  }

  private static String describe(int round, Aim aim, WriterPlan plan) {
    return "in round "
        + round
        + ", where the writer was to be killed "
        + aim
        + "; durability "
        + plan.durability()
        + ", "
        + plan.threads()
        + " threads, segments of "
        + plan.segmentBytes()
        + " B, compaction "
        + plan.compaction()
        + (plan.compactsOnDemand() ? " and on demand" : "");
  }

  static String word(Phase phase) {
    return phase.toString().toLowerCase(Locale.ROOT);
  }

  /// Returns when the writer is to be killed, or has ended.
  private void waitFor(Aim aim, WriterProcess writer, Ledger ledger)
      throws LossException, EndException {
    long begin = System.nanoTime();
    long opened = 0;
    int toSkip = aim.skipped();
    boolean wasThere = false;
    while (!stopped && writer.isAlive()) {
      Phase phase = ledger.phase();
      boolean isThere = aim.isMet(phase);
      if (isThere && !wasThere && toSkip-- <= 0) {
        LockSupport.parkNanos(aim.nanos());
        isThere = aim.isMet(ledger.phase());
        if (isThere) {
          return;
        }
      }
      wasThere = isThere;
      long now = System.nanoTime();
      if (opened == 0 && phase != Phase.STARTING && phase != Phase.OPENING) {
        opened = now;
      }
      if (opened != 0 && now - opened > PATIENCE_NANOS) {
        return;
      }
      if (opened == 0 && now - begin > OPEN_NANOS_MAX) {
        requireStarted(phase);
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  private static void requireStarted(Phase phase) throws LossException, EndException {
    String time = " within " + OPEN_NANOS_MAX / 1_000_000_000L + " s";
    if (phase == Phase.STARTING) {
      throw new EndException("a writer does not start" + time);
    }
    throw new LossException(List.of("a writer does not open the store" + time));
  }
}

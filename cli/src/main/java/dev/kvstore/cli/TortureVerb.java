package dev.kvstore.cli;

import dev.kvstore.Durability;
import dev.kvstore.torture.RunDirectory;
import dev.kvstore.torture.Torture;
import dev.kvstore.torture.TortureOptions;
import dev.kvstore.torture.TortureReport;
import dev.kvstore.torture.TortureReport.Verdict;
import java.io.IOException;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `torture`: kills writers on the user's own disk and proves that nothing acknowledged is missing.
@Command(
    name = "torture",
    description = {
      "Kills writers on your disk and proves that nothing acknowledged is missing.",
      "Starts a process that writes, deletes, writes batches, compacts, closes and opens a store of its"
          + " own, kills it at a random moment with SIGKILL, opens the store and compares it with what"
          + " the process had been told; again and again. Ends with a line PASSED (exit code 0), FAILED"
          + " (3), or INCOMPLETE (3) if something other than the store ended it, or if the run has killed no"
          + " process or seen no write acknowledged, and so has proved nothing.",
    },
    footer = {
      "--data-dir must be given: an empty directory, or one that is not there yet, on the disk that is"
          + " to be tested. If all is well, what the run made is removed. If not, it is kept, and the"
          + " output says where, and how to play it again.",
      "What it does not test: a kill takes the process, not what the operating system holds for it, so"
          + " this says nothing about power loss, nor about a disk that loses what it was told to flush.",
      "--json: verdict, seed, rounds, kills (starting, opening, writing, compacting, closing),"
          + " killsWhileRotating, killsByOthers, writes, batches, deletes, valueBytes, underWayMade,"
          + " underWayNotMade, opens, closes, compactions, segments, tailsCut, tailBytesCut,"
          + " keysChecked, bytesChecked, problems, incident, interrupted, fileSystem, directory (or null), nanos.",
    })
final class TortureVerb extends Verb {
  private static final int KEYS_OF_A_THREAD = 200;
  private static final double MINUTES_MOST = 60 * 24 * 31;
  private static final int STOP_SECONDS_MAX = 60;

  @Option(
      names = "--minutes",
      paramLabel = "N",
      description = "How long; a fraction will do. Default: 1.")
  private String minutesText = "1";

  @Option(
      names = "--policy",
      paramLabel = "WHEN",
      completionCandidates = PolicyCandidates.class,
      description =
          "What the writers wait for: 'always', 'os', 'every=DURATION' (every=1s), as --durability has"
              + " it. Default: 'all', one of the three in each round.")
  private @Nullable String policyText;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Most threads of a writer; a third of the writers have one. Default: 4.")
  private String threadsText = "4";

  @Option(
      names = "--value-bytes",
      paramLabel = "N",
      description = "Size of the largest values. Default: 20000.")
  private String valueBytesText = "20000";

  @Option(
      names = "--seed",
      paramLabel = "N",
      description =
          "Seed of all that is random: what the writers do, and when they are killed. Default: a new"
              + " one, which is printed.")
  private @Nullable String seedText;

  @Option(names = "--json", description = "Print a JSON object.")
  private boolean json;

  /// What completion offers.
  static final class PolicyCandidates implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return List.of("all", "always", "every=1s", "os").iterator();
    }
  }

  private final BiFunction<TortureOptions, Consumer<TortureReport>, Torture> maker;
  private final CountDownLatch told = new CountDownLatch(1);

  private volatile boolean interrupted;

  TortureVerb() {
    this(Torture::new, false);
  }

  /// @param maker of the run
  TortureVerb(BiFunction<TortureOptions, Consumer<TortureReport>, Torture> maker, boolean json) {
    this.maker = maker;
    this.json = json;
  }

  @Override
  int run() throws IOException {
    long seed = seed();
    Duration duration = minutes();
    List<Durability> durabilities = durabilities();
    int threads = Math.toIntExact(number("--threads", threadsText, 1, 64));
    int valueBytes =
        Math.toIntExact(
            number("--value-bytes", valueBytesText, TortureOptions.VALUE_BYTES_LEAST, 1 << 20));
    if (!kvstore().namesDirectory()) {
      throw new BadInputException(
          "--data-dir names an empty directory on the disk that is to be tested; there is no default");
    }
    RunDirectory directory;
    try {
      directory = RunDirectory.make(directory(), seed);
    } catch (RunDirectory.ForeignException e) {
      throw new BadInputException(String.valueOf(e.getMessage()), e);
    }
    TortureOptions options =
        new TortureOptions(
            directory.store(),
            directory.path(),
            duration,
            Integer.MAX_VALUE,
            durabilities,
            threads,
            KEYS_OF_A_THREAD,
            valueBytes,
            seed);
    TortureOutput output = new TortureOutput(out(), options, directory);
    if (!json) {
      output.introduce();
    }
    return torture(options, output, directory);
  }

  private int torture(TortureOptions options, TortureOutput output, RunDirectory directory)
      throws IOException {
    long millis = options.duration().toMillis();
    ProgressRow progress = ProgressRow.ofPieces(streams(), "torture", millis);
    Torture torture =
        maker.apply(
            options,
            soFar -> {
              progress.note(
                  " "
                      + Units.count(soFar.killsTotal(), "kill")
                      + ", "
                      + Units.count(soFar.writes(), "write"));
              progress.at(Math.min(soFar.duration().toMillis(), millis));
            });
    try (Interrupts.Registration _ = kvstore().interrupts().onInterrupt(() -> stop(torture))) {
      return conclude(run(torture, progress, directory), output, directory);
    } finally {
      told.countDown();
    }
  }

  /// Runs on the thread of the interrupt: the JVM ends when it returns, so it waits for the verdict.
  private void stop(Torture torture) {
    interrupted = true;
    torture.stop();
    try {
      told.await(STOP_SECONDS_MAX, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static TortureReport run(Torture torture, ProgressRow progress, RunDirectory directory)
      throws IOException {
    try (progress) {
      return torture.run();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    } catch (IOException e) {
      directory.remove(); // It says nothing about the store.
      throw e;
    }
  }

  private int conclude(TortureReport report, TortureOutput output, RunDirectory directory)
      throws IOException {
    boolean keeps = report.verdict() == Verdict.FAILED;
    if (keeps) {
      directory.about(output.evidence(report));
    } else {
      directory.remove();
    }
    if (json) {
      output.printJson(report, keeps, interrupted);
    } else {
      output.print(report, keeps, interrupted);
    }
    out().flush(); // Here, since after Ctrl-C nobody comes to it any more.
    if (interrupted) {
      return ExitCode.INTERRUPTED;
    }
    return report.verdict() == Verdict.PASSED ? ExitCode.DONE : ExitCode.STORE_ERROR;
  }

  // ---- Arguments

  private long seed() {
    String text = seedText;
    if (text == null) {
      return RandomGenerator.getDefault().nextLong(1L << 48);
    }
    return number("--seed", text, 0, Long.MAX_VALUE);
  }

  private Duration minutes() {
    if (minutesText.matches("[0-9]{1,6}(\\.[0-9]{1,6})?|\\.[0-9]{1,6}")) {
      double minutes = Double.parseDouble(minutesText);
      if (minutes > 0 && minutes <= MINUTES_MOST) {
        return Duration.ofMillis(Math.max(1, (long) (minutes * 60_000)));
      }
    }
    throw new BadInputException(
        "--minutes must be a number above 0, of at most a month, not " + minutesText);
  }

  private List<Durability> durabilities() {
    String text = policyText;
    if (text == null && kvstore().namesDurability()) {
      return List.of(kvstore().durability());
    }
    if (text == null || text.equals("all")) {
      return List.of(Durability.ALWAYS, Durability.every(Duration.ofMillis(100)), Durability.OS);
    }
    try {
      return List.of(DurabilityWords.parse(text.replaceFirst("^every=", "every:")));
    } catch (BadInputException e) {
      throw new BadInputException(
          "--policy must be all, always, os or every=DURATION (every=1s), not " + text, e);
    }
  }

  private static long number(String name, String text, long least, long most) {
    if (text.matches("[0-9]{1,18}")) {
      long number = Long.parseLong(text);
      if (number >= least && number <= most) {
        return number;
      }
    }
    throw new BadInputException(name + " must be " + least + " to " + most + ", not " + text);
  }
}

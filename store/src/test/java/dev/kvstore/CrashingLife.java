package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.engine.Inspection;
import dev.kvstore.engine.Workers;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.testkit.Call;
import dev.kvstore.testkit.CrashStates;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Happening;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.SimulatedClock;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import dev.kvstore.testkit.TornAppend;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The life of one store, in several sessions that end by closing, by death or by power loss. At every
/// single call to the disk, half-way through every write to a file, in the middle of every append to the
/// log, and between any two steps it is asked: if the machine crashed now, would everything be there that was promised? What a crash leaves is
/// opened, compared with the model, written to, crashed again, and opened again.
final class CrashingLife {
  private static final List<PowerLoss> MODES = List.of(PowerLoss.values());

  /// How much of what a crash may leave is tried at each moment.
  enum Care {
    /// Death, loss of everything, and a choice of the rest.
    A_CHOICE,
    /// All ways, each prefix, each combination of names if there are not too many.
    ALL
  }

  /// What may become of a crashed store before somebody has opened it.
  ///
  /// @param powerLost whether only what was durable must be there
  private record Crashed(DiskImage image, StoreModel model, boolean powerLost, String event) {
    Crashed after(DiskImage left, boolean lost, String how) {
      return new Crashed(left, model.copy(), powerLost || lost, event + ", " + how);
    }
  }

  private final Options options;
  private final Care care;
  private final CrashStates states;
  private final SplittableRandom random;
  private final SimulatedClock clock;
  private final StoreModel model = new StoreModel();

  // Of the session.
  private SimulatedDirectory disk = SimulatedDirectory.empty();
  private boolean opening;
  private boolean powerLost; // and nobody has opened it since
  private List<Object> lastMoment = List.of();
  private @Nullable Crashed last; // as of that moment; null: what is expected has changed since
  private Set<String> reopened = Set.of(); // the files that the session has found
  private boolean sealsLate;
  private boolean wildClock;
  private boolean hadPowerLoss; // in any session
  private boolean quiet; // no crash in the session itself

  CrashingLife(Options options, Care care, CrashStates states, SplittableRandom random) {
    this.options = options;
    this.care = care;
    this.states = states;
    this.random = random;
    this.clock = new SimulatedClock();
  }

  /// The clock goes where it should not.
  CrashingLife withWildClock() {
    wildClock = true;
    return this;
  }

  void live(int sessions, int steps) {
    try {
      for (int session = 0; session < sessions; session++) {
        session(session % 2 == 1 ? Workers.lagging() : Workers.inline(), steps);
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(e + "\n" + model, e);
    } finally {
      disk.discard();
    }
  }

  /// Lives one session, then crashes at each call of the open that follows it, half-way through writes
  /// too, and at each call of some of the opens after that.
  void liveAndCrashInTheNextOpen(int steps) {
    try {
      quiet = true;
      session(Workers.inline(), steps);
      crashInOpen(new Crashed(disk.image(), model.copy(), powerLost, "after one session"), 2);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(e + "\n" + model, e);
    } finally {
      disk.discard();
    }
  }

  private void session(Workers workers, int steps) {
    disk.observe(this::crashAt);
    reopened = disk.image().files().keySet();
    last = null;
    opening = true;
    KvStore store = Simulation.openCold(disk, options, clock, workers);
    opening = false;
    check(store, model, powerLost);
    powerLost = false;
    last = new Crashed(disk.image(), model.copy(), false, "open");
    ModelledStore modelled = new ModelledStore(store, model, states);
    if (store.recovery().outcome() == RecoveryReport.Outcome.CREATED) {
      modelled.putAll(whatStays());
    }
    for (int step = 0; step < steps; step++) {
      sealsLate =
          store.stats().segments().stream()
              .anyMatch(segment -> segment.state() == Stats.State.SEALING);
      step(modelled, workers);
      crash("between two steps");
    }
    end(modelled);
  }

  /// Keys that nobody ever touches again, so that compaction has something to leave alone.
  private static Map<String, Value> whatStays() {
    Map<String, Value> entries = new TreeMap<>();
    for (int number = 0; number < 13; number++) {
      entries.put("stays-" + number, Value.of("x".repeat(300)));
    }
    return entries;
  }

  private void step(ModelledStore modelled, Workers workers) {
    if (wildClock && random.nextInt(3) == 0) {
      model.note(clock.misbehave(random));
    }
    if (random.nextInt(6) == 0) {
      workers.catchUp();
    }
    switch (random.nextInt(30)) {
      case 0 -> modelled.sync();
      case 1 -> modelled.compact();
      case 2 -> disk.writeBack(random);
      case 3 -> modelled.read(random);
      default -> modelled.stepOfAnyKind(random);
    }
  }

  private void end(ModelledStore modelled) {
    int way = random.nextInt(3);
    if (way == 0) {
      modelled.store().close();
      model.note("closed");
      model.allDurable();
      assertThat(disk.open()).as("left open").isEmpty();
      states.happened(Happening.REOPEN_CLOSED);
      disk = disk.restart();
      return;
    }
    DiskImage image = disk.image();
    Simulation.kill(modelled.store(), disk);
    if (way == 1) {
      model.note("killed");
      states.happened(Happening.REOPEN_KILLED);
      disk = image.mount();
    } else {
      PowerLoss mode = anyMode();
      model.note("power loss " + mode);
      states.happened(Happening.REOPEN_WITHOUT_POWER);
      powerLost = true;
      hadPowerLoss = true;
      disk = image.afterPowerLoss(mode, random).mount();
    }
  }

  // ---- Crashes

  private void crashAt(Call call, boolean halfWay) {
    crash(words(call, halfWay));
  }

  private String words(Call call, boolean halfWay) {
    if (halfWay && !quiet) {
      states.happened(Happening.CRASH_HALF_WAY);
    }
    return (halfWay ? "half-way through " : "at ") + call;
  }

  private void crash(String event) {
    if (quiet) {
      return;
    }
    if (opening && !model.isNew()) {
      states.happened(Happening.CRASH_IN_RECOVERY);
    }
    DiskImage image = disk.image();
    List<Object> moment = List.of(image.fingerprint(), model.promise());
    if (moment.equals(lastMoment)) {
      return; // nothing has changed since the last call, which has only read
    }
    lastMoment = moment;
    Crashed crashed =
        new Crashed(image, model.copy(), powerLost, opening ? event + " of open" : event);
    Set<String> seen = new HashSet<>();
    if (last != null) {
      surviveTornAppend(last, crashed);
    }
    last = crashed;
    survive(crashed.after(image, false, "killed"), seen);
    for (PowerLoss mode : care == Care.ALL ? MODES : List.of(PowerLoss.NONE, anyMode())) {
      survive(lost(crashed, mode), seen);
    }
    if (oneIn(30)) {
      int number = 0;
      for (DiskImage left : image.afterEachPrefix()) {
        survive(crashed.after(left, true, "prefix " + number++), seen);
      }
    }
    if (oneIn(30)) {
      int number = 0;
      for (DiskImage left : image.afterEachSetOfNames(16, random)) {
        survive(crashed.after(left, true, "set of names " + number++), seen);
      }
    }
    if (random.nextInt(100) == 0) {
      int depth = care == Care.ALL ? 2 : 1;
      crashInOpen(crashed.after(image, false, "killed"), depth);
      crashInOpen(lost(crashed, anyMode()), depth);
    }
  }

  /// If records were appended since the moment before: what if the process had died meanwhile, or the
  /// power gone?
  private void surviveTornAppend(Crashed before, Crashed after) {
    Set<String> seen = new HashSet<>(); // its own: less is promised
    TornAppend append = TornAppend.between(before.image, after.image).orElse(null);
    if (append == null || append.records() == 0) {
      return;
    }
    tell(append);
    StoreModel expected = after.model.promisingNoMoreThan(before.model);
    for (int time = care == Care.ALL ? 6 : 1; time > 0; time--) {
      survive(torn(append, append.stopped(random), after, expected, "stopped"), seen);
      survive(torn(append, append.cut(random), after, expected, "cut"), seen);
      Crashed torn = torn(append, append.scattered(random), after, expected, "scattered");
      survive(torn, seen);
      survive(lost(torn, PowerLoss.PAGES), seen);
      survive(lost(torn, anyMode()), seen);
    }
  }

  private static Crashed torn(
      TornAppend append, byte[] content, Crashed after, StoreModel expected, String how) {
    return new Crashed(
        after.image.withStored(append.file(), content),
        expected,
        after.powerLost,
        "append to " + append.file() + " @ " + append.offset() + " " + how + ", " + after.event);
  }

  private void tell(TornAppend append) {
    states.happened(Happening.TORN_APPEND);
    if (append.inBatch()) {
      states.happened(Happening.TORN_BATCH);
    }
    if (reopened.contains(append.file()) && !opening) {
      states.happened(Happening.TORN_IN_REOPENED_TAIL);
    } else if (append.offset() == SegmentFormat.HEADER_BYTES
        && SegmentFormat.segmentIdOf(append.file()).orElse(0) > 1) {
      states.happened(Happening.TORN_AFTER_ROTATION);
    }
    if (sealsLate) {
      states.happened(Happening.TORN_BEFORE_LATE_SEAL);
    }
  }

  private PowerLoss anyMode() {
    return MODES.get(random.nextInt(MODES.size()));
  }

  private boolean oneIn(int number) {
    return care == Care.ALL || random.nextInt(number) == 0;
  }

  private Crashed lost(Crashed crashed, PowerLoss mode) {
    return crashed.after(crashed.image.afterPowerLoss(mode, random), true, "power loss " + mode);
  }

  /// Crashes at each call of the open, and looks whether another one has everything.
  ///
  /// @param depth how many opens may end so, one in the other
  private void crashInOpen(Crashed crashed, int depth) {
    Set<String> seen = new HashSet<>();
    SimulatedDirectory opened = crashed.image.mount();
    opened.observe((call, halfWay) -> {
      states.happened(Happening.CRASH_IN_RECOVERY);
      Crashed again = crashed.after(opened.image(), false, words(call, halfWay) + " of open");
      survive(again, seen);
      survive(lost(again, anyMode()), seen);
      if (depth > 1 && random.nextInt(16) == 0) {
        crashInOpen(again, depth - 1);
        crashInOpen(lost(again, anyMode()), depth - 1);
      }
    });
    KvStore store = Simulation.open(opened, options, clock, Workers.inline());
    Simulation.kill(store, opened);
  }

  // ---- After a crash

  /// Opens what is left, compares; now and then writes on, loses the power again, and compares again.
  private void survive(Crashed crashed, Set<String> seen) {
    if (!seen.add(crashed.image.fingerprint() + crashed.powerLost)) {
      return;
    }
    states.add(crashed.image);
    StoreModel expected = crashed.model.copy();
    SimulatedDirectory left = crashed.image.mount();
    boolean verify = random.nextInt(20) == 0;
    KvStore store = null;
    try {
      if (verify) {
        verify(crashed.image, crashed.powerLost, hadPowerLoss);
      }
      store = Simulation.open(left, options, clock, Workers.inline());
      check(store, expected, crashed.powerLost);
      if (verify) {
        verify(left.image(), false, hadPowerLoss || crashed.powerLost);
      }
      if (random.nextInt(3) > 0) {
        return;
      }
      ModelledStore modelled = new ModelledStore(store, expected);
      for (int steps = random.nextInt(6); steps > 0; steps--) {
        modelled.stepOfAnyKind(random);
      }
      PowerLoss mode = anyMode();
      expected.note("power loss " + mode);
      surviveAgain(left.image().afterPowerLoss(mode, random), expected);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(
          crashed.event + ": " + e + "\n" + expected + "\nfrom\n" + crashed.image, e);
    } finally {
      Simulation.kill(store, left);
    }
  }

  /// What a crash has left is a store without damage to those too who look at every byte of it.
  ///
  /// Hints and the image of the index are not forced, so a power loss may leave half of one. An image goes
  /// with the next open, a hint only with one that looks at it, which needs none of those behind an image.
  ///
  /// @param unopened power was lost and nobody has opened it since
  /// @param hadPowerLoss power was lost at any time
  private void verify(DiskImage image, boolean unopened, boolean hadPowerLoss) {
    SimulatedDirectory looked = image.mount();
    try {
      List<Damage> damages = Inspection.verify(looked, Progress.NONE).damages();
      assertThat(damages)
          .as("damages that verify finds")
          .filteredOn(damage -> !(hadPowerLoss || unopened) || !damage.file().endsWith(".hint"))
          .filteredOn(damage -> !unopened || !damage.file().equals("INDEX"))
          .isEmpty();
      states.happened(Happening.VERIFIED);
    } catch (StoreStartupException e) {
      // The crash came before there was a store.
      assertThat(image.files().keySet())
          .noneMatch(name -> SegmentFormat.segmentIdOf(name).isPresent());
    } finally {
      looked.discard();
    }
  }

  private void surviveAgain(DiskImage image, StoreModel expected) {
    states.add(image);
    SimulatedDirectory left = image.mount();
    KvStore store = null;
    try {
      store = Simulation.open(left, options, clock, Workers.inline());
      check(store, expected, true);
    } finally {
      Simulation.kill(store, left);
    }
  }

  private static void check(KvStore store, StoreModel expected, boolean powerLost) {
    if (powerLost) {
      expected.checkAfterPowerLoss(store);
    } else {
      expected.checkAfterKill(store);
    }
    assertThat(store.recovery().damages()).isEmpty();
  }
}

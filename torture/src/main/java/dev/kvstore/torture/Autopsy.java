package dev.kvstore.torture;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.Progress;
import dev.kvstore.RecoveryReport;
import dev.kvstore.StoreException;
import dev.kvstore.StoreInspector;
import dev.kvstore.StoreIoException;
import dev.kvstore.StoreStartupException;
import dev.kvstore.VerifyReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// What is found of a store whose writer is dead.
///
/// First it is opened for reading and compared, which changes nothing. Mostly it is then opened for
/// writing and compared, sometimes compacted and compared again, and verified; else the next writer is the
/// one that recovers. Sometimes what can be rebuilt is removed before.
final class Autopsy {
  private static final Pattern SEGMENT = Pattern.compile("([0-9]{10})\\.seg");

  private final Path directory;
  private final Ledger ledger;
  private final Tally tally;
  private final boolean expectsTrouble;

  private boolean hintsRemoved;

  Autopsy(Path directory, Ledger ledger, Tally tally, boolean expectsTrouble) {
    this.directory = directory;
    this.ledger = ledger;
    this.tally = tally;
    this.expectsTrouble = expectsTrouble;
  }

  /// @param last what the writer was at
  void perform(Phase last, SplittableRandom random) throws IOException, LossException {
    if (!read(last)) {
      return; // killed before it made the store
    }
    tally.segments(segmentsBegun());
    if (random.nextInt(4) == 0) {
      return; // the next writer recovers
    }
    hintsRemoved = random.nextInt(3) == 0;
    if (hintsRemoved) {
      removeWhatCanBeRebuilt(random);
    }
    recover(random.nextInt(3) == 0);
    verify();
  }

  private boolean read(Phase last) throws LossException {
    Options readOnly = Options.builder().readOnly(true).build();
    try (KvStore store = KvStore.open(directory, readOnly)) {
      tally.opened();
      boolean wrote = last == Phase.WRITING || last == Phase.COMPACTING;
      if (wrote && !hintsRemoved && store.recovery().segmentsScanned() > 1) {
        tally.killedWhileRotating();
      }
      // Settled by what this open shows; all later ones must show the same.
      Check.Settled settled = Check.settle(store, ledger);
      tally.settled(settled);
      if (!settled.problems().isEmpty()) {
        throw new LossException(settled.problems());
      }
      requireAll(store);
      return true;
    } catch (StoreStartupException e) {
      if (ledger.count(Ledger.Counter.OPENS) == 0) {
        return false;
      }
      throw new LossException("there is no store any more: " + e.getMessage(), e);
    } catch (StoreException e) {
      throw failed("reading the store after the kill", e);
    }
  }

  private void recover(boolean compacts) throws LossException {
    Options manual = Options.builder().compaction(CompactionPolicy.manual()).build();
    try (KvStore store = KvStore.open(directory, manual)) {
      RecoveryReport recovery = store.recovery();
      tally.opened();
      tally.cut(recovery.tailBytesCut());
      if (!recovery.damages().isEmpty()) {
        throw new LossException(
            List.of("recovery reports damage after a kill: " + recovery.damages()));
      }
      requireAll(store);
      if (compacts) {
        compact(store);
        requireAll(store);
      }
    } catch (StoreException e) {
      throw failed("recovering the store after the kill", e);
    }
  }

  private void compact(KvStore store) {
    try {
      store.compact();
    } catch (StoreException e) {
      if (!expectsTrouble) {
        throw e;
      }
    }
  }

  private void requireAll(KvStore store) throws LossException {
    Check check = new Check(store, ledger);
    check.requireAll();
    tally.checked(check);
  }

  private void verify() throws LossException {
    try {
      VerifyReport report = StoreInspector.verify(directory, Progress.NONE);
      if (!report.isIntact()) {
        throw new LossException(List.of("verify finds damage after a kill: " + report.damages()));
      }
    } catch (StoreException e) {
      throw failed("verifying the store after the kill", e);
    }
  }

  /// A full disk is no fault of the store's.
  private static LossException failed(String work, StoreException e) {
    if (e instanceof StoreIoException io && io.isNoSpace()) {
      throw io;
    }
    return new LossException(
        work + " failed: " + e.getClass().getSimpleName() + ": " + e.getMessage(), e);
  }

  private long segmentsBegun() throws IOException {
    long last = 0;
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Matcher name = SEGMENT.matcher(file.getFileName().toString());
        if (name.matches()) {
          last = Math.max(last, Long.parseLong(name.group(1)));
        }
      }
    }
    return last;
  }

  private void removeWhatCanBeRebuilt(SplittableRandom random) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        if (name.equals("INDEX") || (name.endsWith(".hint") && random.nextBoolean())) {
          Files.delete(file);
        }
      }
    }
  }
}

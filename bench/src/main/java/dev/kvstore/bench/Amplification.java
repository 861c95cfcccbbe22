package dev.kvstore.bench;

import dev.kvstore.KvStore;
import dev.kvstore.Stats;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// How many bytes a store writes and keeps for each byte that it was given, from a moment on.
///
/// Of every store is known what the process gave to the system to write, and what its files take.
/// KvStore says more: what compaction copied, and how much of its log is live; that is looked at from
/// time to time by a thread of this class, because the worst moment counts.
final class Amplification implements AutoCloseable {
  private static final long SAMPLE_MILLIS = 20;

  private final Stage stage;
  private final long writtenBefore;
  private final @Nullable KvStore store;
  private final long copiedBefore;
  private final long compactionsBefore;
  private final Thread sampler = Thread.ofPlatform().name("bench-sampler").unstarted(this::sample);

  // Of the sampler while it runs; read by others once it has been joined.
  private double spaceMost;
  private double spaceSum;
  private int samples;

  private Amplification(Optional<KvStore> store, Stage stage) throws IOException {
    this.stage = stage;
    this.store = store.orElse(null);
    writtenBefore = Machine.bytesWritten();
    Stats stats = store.map(KvStore::stats).orElse(null);
    copiedBefore = stats == null ? 0 : stats.compactionBytesWritten();
    compactionsBefore = stats == null ? 0 : stats.compactions();
  }

  static Amplification from(Peer peer, Stage stage) throws IOException {
    Optional<KvStore> store =
        peer instanceof KvStorePeer ours ? Optional.of(ours.store()) : Optional.empty();
    Amplification amplification = new Amplification(store, stage);
    if (store.isPresent()) {
      amplification.sampler.start();
    }
    return amplification;
  }

  private void sample() {
    while (!Thread.currentThread().isInterrupted() && store != null) {
      Stats stats = store.stats();
      double space = (double) stats.diskBytes() / stats.liveBytes();
      spaceMost = Math.max(spaceMost, space);
      spaceSum += space;
      samples++;
      try {
        Thread.sleep(SAMPLE_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /// Ends the time of measuring.
  void report(long puts) throws IOException, InterruptedException {
    Data data = stage.data();
    double given = (double) puts * (data.keyBytes() + data.valueBytes());
    stage.report("systemWriteTimes", (Machine.bytesWritten() - writtenBefore) / given);
    stage.report("diskTimes", (double) Machine.diskBytes(stage.directory()) / data.bytes());
    if (store == null) {
      return;
    }
    sampler.interrupt();
    sampler.join();
    Stats stats = store.stats();
    long compactions = stats.compactions() - compactionsBefore;
    stage.report("compactions", compactions);
    if (compactions == 0) {
      stage.report(Stage.NOTE, "no compaction ended in the measured time: no write amplification");
    } else {
      double appended = puts * (double) stats.liveBytes() / data.keys(); // all are of one length
      double copied = stats.compactionBytesWritten() - copiedBefore;
      stage.report("writeTimes", (appended + copied) / appended);
    }
    stage.report("spaceTimesMost", spaceMost);
    stage.report("spaceTimes", spaceSum / samples);
  }

  @Override
  public void close() {
    sampler.interrupt();
  }
}

package dev.kvstore.process;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreClosedException;
import dev.kvstore.StoreCompactionException;
import dev.kvstore.WriteBatch;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;

/// Main class of a process that writes until it is killed, and keeps a [Journal] for each thread.
final class BusyWriter {
  /// Keys of one thread; few, so that all of them are overwritten and removed again and again.
  static final int KEYS = 150;

  /// What it says once it has opened the store.
  static final String OPEN = "open";

  private final Path directory;
  private final Options options;
  private final boolean demandsCompaction;
  private final int runMillisMax;
  private final SplittableRandom random;
  private final List<Journal> journals = new ArrayList<>();
  private final List<SplittableRandom> randoms = new ArrayList<>();
  private final long[] numbers;

  private BusyWriter(Plan plan, Path directory, Path journal, long firstNumber) throws Exception {
    this.directory = directory;
    this.options = plan.options();
    this.demandsCompaction = plan.demandsCompaction;
    this.runMillisMax = plan.runMillisMax;
    this.random = new SplittableRandom(plan.seed);
    this.numbers = new long[plan.threads];
    for (int thread = 0; thread < plan.threads; thread++) {
      journals.add(Journal.create(journalOf(journal, thread)));
      randoms.add(random.split());
      numbers[thread] = firstNumber;
    }
  }

  /// What a writer does.
  ///
  /// @param runMillisMax how long it runs at most before it closes the store and opens it again; 0:
  ///     until it is killed
  record Plan(
      String durability,
      int threads,
      long segmentBytes,
      boolean demandsCompaction,
      int runMillisMax,
      long seed) {

    static Plan random(SplittableRandom random, long segmentBytes) {
      return new Plan(
          List.of("ALWAYS", "EVERY", "OS").get(random.nextInt(3)),
          1 + random.nextInt(4),
          segmentBytes,
          random.nextInt(3) == 0,
          random.nextInt(3) == 0 ? 1 + random.nextInt(80) : 0,
          random.nextLong());
    }

    Options options() {
      Durability wanted =
          switch (durability) {
            case "ALWAYS" -> Durability.ALWAYS;
            case "EVERY" -> Durability.every(Duration.ofMillis(3));
            default -> Durability.OS;
          };
      return Options.builder()
          .durability(wanted)
          .segmentBytesMax(segmentBytes)
          .compaction(CompactionPolicy.threshold(20_000))
          .build();
    }
  }

  static Path journalOf(Path journal, int thread) {
    return journal.resolveSibling(journal.getFileName() + "." + thread);
  }

  static ChildJvm start(Plan plan, Path directory, Path journal, long firstNumber) {
    return ChildJvm.start(
        journal.resolveSibling(journal.getFileName() + ".out"),
        BusyWriter.class,
        directory,
        journal,
        firstNumber,
        plan.durability,
        plan.threads,
        plan.segmentBytes,
        plan.demandsCompaction,
        plan.runMillisMax,
        plan.seed);
  }

  public static void main(String[] arguments) throws Exception {
    Plan plan =
        new Plan(
            arguments[3],
            Integer.parseInt(arguments[4]),
            Long.parseLong(arguments[5]),
            Boolean.parseBoolean(arguments[6]),
            Integer.parseInt(arguments[7]),
            Long.parseLong(arguments[8]));
    BusyWriter writer =
        new BusyWriter(
            plan, Path.of(arguments[0]), Path.of(arguments[1]), Long.parseLong(arguments[2]));
    while (true) {
      writer.session();
    }
  }

  /// One life of the store: open, write, close.
  private void session() throws InterruptedException {
    long nanos =
        runMillisMax == 0 ? Long.MAX_VALUE / 2 : random.nextInt(runMillisMax + 1) * 1_000_000L;
    List<Thread> threads = new ArrayList<>();
    Thread compactor = null;
    try (KvStore store = KvStore.open(directory, options)) {
      System.out.println(OPEN);
      long end = System.nanoTime() + nanos;
      for (int thread = 0; thread < numbers.length; thread++) {
        int number = thread;
        threads.add(start(() -> write(store, number, end)));
      }
      if (demandsCompaction) {
        compactor = start(() -> compact(store));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }
    if (compactor != null) {
      compactor.join(); // it has met the closed store
    }
  }

  private static Thread start(Callable<Void> work) {
    return Thread.ofPlatform()
        .start(() -> {
          try {
            work.call();
          } catch (Throwable e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(7);
          }
        });
  }

  private static Void compact(KvStore store) {
    while (true) {
      try {
        store.compact();
      } catch (StoreCompactionException e) {
        if (!(e.getCause() instanceof StoreCompactionException)) {
          throw e; // not just cancelled, by the close
        }
      } catch (StoreClosedException e) {
        return null;
      }
    }
  }

  private Void write(KvStore store, int thread, long end) throws Exception {
    Journal journal = journals.get(thread);
    SplittableRandom own = randoms.get(thread);
    while (System.nanoTime() - end < 0) {
      long number = numbers[thread]++;
      Map<String, Integer> changes = Journal.changes();
      int count = own.nextInt(4) == 0 ? 2 + own.nextInt(6) : 1;
      while (changes.size() < count) {
        String key = thread + ":" + own.nextInt(KEYS);
        if (own.nextInt(3) == 0) {
          Journal.remove(changes, key);
        } else {
          changes.put(key, size(own));
        }
      }
      journal.intend(number, changes);
      apply(store, number, changes);
      journal.acknowledged();
    }
    return null;
  }

  private static int size(SplittableRandom own) {
    return switch (own.nextInt(40)) {
      case 0 -> own.nextInt(20_000); // more than a tiny segment holds
      case 1, 2, 3 -> 0;
      default -> own.nextInt(300);
    };
  }

  private static void apply(KvStore store, long number, Map<String, Integer> changes) {
    if (changes.size() == 1) {
      changes.forEach((key, size) -> {
        byte[] bytes = key.getBytes(StandardCharsets.US_ASCII);
        if (Journal.isRemoval(size)) {
          store.delete(bytes);
        } else {
          store.put(bytes, Journal.value(number, key, size));
        }
      });
      return;
    }
    WriteBatch batch = new WriteBatch();
    changes.forEach((key, size) -> {
      byte[] bytes = key.getBytes(StandardCharsets.US_ASCII);
      if (Journal.isRemoval(size)) {
        batch.delete(bytes);
      } else {
        batch.put(bytes, Journal.value(number, key, size));
      }
    });
    store.write(batch);
  }
}

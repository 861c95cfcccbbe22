package dev.kvstore.torture;

import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreClosedException;
import dev.kvstore.StoreCompactionException;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreException;
import dev.kvstore.StoreIoException;
import dev.kvstore.WriteBatch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/// Main class of the process that is killed: opens the store, writes with one thread or many, compacts,
/// closes, opens again, until it dies. Notes in the [Ledger] what it is about to do and what it was told.
///
/// Ends when its standard input does, so that it never outlives whoever started it; with [#NO_SPACE] when
/// the disk is full, with [#FAILED] and a stack trace when the store threw what it may not throw.
public final class Writer {
  /// Exit code: the disk is full.
  static final int NO_SPACE = 28;

  /// Exit code: the store threw what it may not throw.
  static final int FAILED = 7;

  private static final int PAUSE_MICROS_MAX = 20_000;

  /// How a store is opened; tests put a store that lies in its place.
  interface Opener {
    KvStore open(Path directory, Options options);
  }

  private final WriterPlan plan;
  private final Ledger ledger;
  private final Opener opener;
  private final SplittableRandom random;
  private final List<SplittableRandom> randoms = new ArrayList<>();

  // When the session ends; brought forward by any thread.
  private volatile long end;

  private Writer(WriterPlan plan, Ledger ledger, Opener opener) {
    this.plan = plan;
    this.ledger = ledger;
    this.opener = opener;
    this.random = new SplittableRandom(plan.seed());
    for (int thread = 0; thread < plan.threads(); thread++) {
      randoms.add(random.split());
    }
  }

  /// Writes as its arguments say, see [WriterPlan].
  public static void main(String[] arguments) throws Exception {
    run(arguments, KvStore::open);
  }

  static void run(String[] arguments, Opener opener) throws Exception {
    endWithStandardInput();
    WriterPlan plan = WriterPlan.parse(arguments);
    Writer writer = new Writer(plan, Ledger.open(plan.ledger()), opener);
    try {
      while (true) {
        writer.session();
      }
    } catch (Throwable e) {
      throw ended(e);
    }
  }

  private static void endWithStandardInput() {
    Thread.ofPlatform()
        .daemon()
        .name("torture-parent")
        .start(() -> {
          try {
            while (System.in.read() >= 0) {
              // Nobody says anything.
            }
          } catch (IOException e) {
            // As good as the end.
          }
          Runtime.getRuntime().halt(0);
        });
  }

  /// Ends the process for this reason; never returns.
  private static Error ended(Throwable reason) {
    boolean noSpace = isNoSpace(reason);
    if (noSpace) {
      System.out.println(reason.getMessage());
    } else {
      reason.printStackTrace(System.out);
    }
    Runtime.getRuntime().halt(noSpace ? NO_SPACE : FAILED);
    return new AssertionError();
  }

  private static boolean isNoSpace(Throwable reason) {
    for (Throwable e = reason; e != null; e = e.getCause()) {
      if (e instanceof StoreIoException io && io.isNoSpace()) {
        return true;
      }
    }
    return false;
  }

  /// One life of the store: open, write, close.
  private void session() throws InterruptedException {
    ledger.phase(Phase.OPENING);
    KvStore store = open();
    long cut = store.recovery().tailBytesCut();
    ledger.add(Ledger.Counter.TAILS_CUT, cut > 0 ? 1 : 0);
    ledger.add(Ledger.Counter.TAIL_BYTES_CUT, cut);
    ledger.add(Ledger.Counter.OPENS, 1);
    settle(store);
    ledger.phase(Phase.WRITING);
    end =
        plan.sessionMillisMax() == 0
            ? Long.MAX_VALUE / 2
            : System.nanoTime() + random.nextInt(plan.sessionMillisMax() + 1) * 1_000_000L;
    List<Thread> threads = new ArrayList<>();
    for (int thread = 0; thread < plan.threads(); thread++) {
      int number = thread;
      threads.add(start(() -> write(store, number)));
    }
    Thread compactor = plan.compactsOnDemand() ? start(() -> compact(store)) : null;
    for (Thread thread : threads) {
      thread.join();
    }
    ledger.phase(Phase.CLOSING);
    close(store);
    if (compactor != null) {
      compactor.join(); // it has met the closed store
    }
    ledger.add(Ledger.Counter.CLOSES, 1);
  }

  /// Decides what calls that failed have left.
  private void settle(KvStore store) {
    List<String> problems = Check.settle(store, ledger).problems();
    if (!problems.isEmpty()) {
      throw new IllegalStateException(String.join("; ", problems));
    }
  }

  /// Whether an error of the store is one to live with. Damage never is.
  private boolean isExpected(StoreException failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof StoreCorruptionException) {
        return false;
      }
    }
    return plan.expectsTrouble();
  }

  private KvStore open() {
    while (true) {
      try {
        return opener.open(plan.store(), plan.options());
      } catch (StoreException e) {
        if (!isExpected(e)) {
          throw e;
        }
        ledger.add(Ledger.Counter.FAILED_CALLS, 1);
        LockSupport.parkNanos(PAUSE_MICROS_MAX * 1000L);
      }
    }
  }

  private void close(KvStore store) {
    try {
      store.close();
    } catch (StoreException e) {
      if (!isExpected(e)) {
        throw e;
      }
      ledger.add(Ledger.Counter.FAILED_CALLS, 1);
    }
  }

  private static Thread start(Runnable work) {
    return Thread.ofPlatform()
        .start(() -> {
          try {
            work.run();
          } catch (Throwable e) {
            throw ended(e);
          }
        });
  }

  private void compact(KvStore store) {
    SplittableRandom own = new SplittableRandom(plan.seed() + 1);
    while (true) {
      try {
        ledger.compacting(true);
        store.compact();
        ledger.add(Ledger.Counter.COMPACTIONS, 1);
      } catch (StoreClosedException e) {
        return;
      } catch (StoreException e) {
        if (!isCancelledByClose(e) && !isExpected(e)) {
          throw e;
        }
      } finally {
        ledger.compacting(false);
      }
      LockSupport.parkNanos(own.nextInt(PAUSE_MICROS_MAX) * 1000L);
    }
  }

  private static boolean isCancelledByClose(StoreException e) {
    return e instanceof StoreCompactionException
        && e.getCause() instanceof StoreCompactionException;
  }

  private void write(KvStore store, int thread) {
    SplittableRandom own = randoms.get(thread);
    int deletesToCome = 0;
    while (System.nanoTime() - end < 0) {
      Write write = draw(thread, own, deletesToCome > 0);
      deletesToCome = Math.max(0, deletesToCome - 1);
      ledger.announce(thread, write);
      try {
        apply(store, thread, write);
      } catch (StoreException e) {
        if (!isExpected(e)) {
          throw e;
        }
        if (!(e instanceof StoreIoException io && io.isNoSpace())) {
          // It may have happened: the next open tells.
          ledger.add(thread, Ledger.ThreadCounter.UNDECIDED, 1);
          end = System.nanoTime();
          return;
        }
        ledger.withdraw(thread); // so the store promises
        ledger.add(thread, Ledger.ThreadCounter.REFUSED, 1);
        deletesToCome = own.nextInt(2 * ledger.keys());
        continue;
      }
      ledger.acknowledge(thread, write);
    }
  }

  private Write draw(int thread, SplittableRandom own, boolean onlyDeletes) {
    int count = own.nextInt(4) == 0 ? 2 + own.nextInt(Write.CHANGES_MAX - 1) : 1;
    List<Write.Change> changes = new ArrayList<>();
    Set<Integer> keys = new HashSet<>();
    while (changes.size() < count) {
      int key = own.nextInt(ledger.keys());
      if (keys.add(key)) {
        boolean removes = onlyDeletes || own.nextInt(3) == 0;
        changes.add(new Write.Change(key, removes ? Write.Change.REMOVED : size(own)));
      }
    }
    return new Write(ledger.nextNumber(thread), changes);
  }

  /// Mostly small; now and then as large as may be, and empty.
  private int size(SplittableRandom own) {
    int most = plan.valueBytesMax() - Content.HEAD_BYTES + 1;
    if (plan.expectsTrouble()) {
      return own.nextInt(most);
    }
    return switch (own.nextInt(40)) {
      case 0 -> own.nextInt(most);
      case 1, 2, 3 -> 0;
      default -> own.nextInt(Math.min(most, 300));
    };
  }

  private static void apply(KvStore store, int thread, Write write) {
    if (write.changes().size() == 1) {
      Write.Change change = write.changes().getFirst();
      byte[] key = Content.key(thread, change.key());
      if (change.removes()) {
        store.delete(key);
      } else {
        store.put(key, Content.value(write.number(), thread, change.key(), change.size()));
      }
      return;
    }
    WriteBatch batch = new WriteBatch();
    for (Write.Change change : write.changes()) {
      byte[] key = Content.key(thread, change.key());
      if (change.removes()) {
        batch.delete(key);
      } else {
        batch.put(key, Content.value(write.number(), thread, change.key(), change.size()));
      }
    }
    store.write(batch);
  }
}

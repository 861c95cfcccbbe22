package dev.kvstore.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The threads of one store: few, named, platform threads that nobody interrupts, each started by its
/// first task.
///
/// [#inline] runs everything in the calling thread instead, one thing after the other; so does
/// [#lagging], but not all of it at once.
public final class Workers {
  /// What a thread is for; also its name.
  enum Worker {
    ALLOCATE("store-allocate"),
    SEAL("store-seal"),
    SETTLE("store-settle"),
    COMPACT("store-compact"),
    FORCE("store-force"),
    SCRUB("store-scrub");

    private final String threadName;

    Worker(String threadName) {
      this.threadName = threadName;
    }
  }

  /// Makes the threads.
  @FunctionalInterface
  public interface Maker {
    /// A thread of this name that is not started yet.
    ///
    /// @throws OutOfMemoryError if there can be no more; [Thread#start] may throw it too
    Thread thread(String name, Runnable task);
  }

  private final boolean inline;
  private final boolean lagging;
  private final Maker maker;

  // Guarded by this; made on demand, by the ordinal of the worker.
  private final @Nullable ExecutorService[] executors = new ExecutorService[Worker.values().length];
  private boolean ended;

  // For the one thread there is if they lag.
  private final Deque<Runnable> late = new ArrayDeque<>();

  private Workers(boolean inline, boolean lagging, Maker maker) {
    this.inline = inline;
    this.lagging = lagging;
    this.maker = maker;
  }

  /// Threads of its own for each kind of work.
  public static Workers threads() {
    return threads((name, task) -> Thread.ofPlatform().daemon().name(name).unstarted(task));
  }

  /// As above, made by somebody else.
  public static Workers threads(Maker maker) {
    return new Workers(false, false, maker);
  }

  /// No threads: work is done by whoever causes it, before the call returns.
  public static Workers inline() {
    return new Workers(true, false, (name, task) -> new Thread(task, name));
  }

  /// As [#inline], but full segments are sealed only by [#catchUp], as on a machine where others are
  /// faster than that. For one thread.
  public static Workers lagging() {
    return new Workers(true, true, (name, task) -> new Thread(task, name));
  }

  boolean isInline() {
    return inline;
  }

  /// Runs a task after those given to the same worker before.
  ///
  /// @return false if the workers have ended; the task is dropped
  boolean run(Worker worker, Runnable task) {
    if (lagging && worker == Worker.SEAL) {
      late.add(task);
      return true;
    }
    if (inline) {
      task.run();
      return true;
    }
    synchronized (this) {
      if (ended) {
        return false;
      }
      ExecutorService executor = executors[worker.ordinal()];
      if (executor == null) {
        executor = Executors.newSingleThreadExecutor(work -> maker.thread(worker.threadName, work));
        executors[worker.ordinal()] = executor;
      }
      executor.execute(task);
      return true;
    }
  }

  /// As [#run].
  ///
  /// @throws RejectedExecutionException if the workers have ended
  void runOrThrow(Worker worker, Runnable task) {
    if (!run(worker, task)) {
      throw new RejectedExecutionException("the store is being closed");
    }
  }

  /// Runs what was put off: for whoever is going to wait for it. Nothing is if there are threads.
  public void catchUp() {
    while (lagging && !late.isEmpty()) {
      late.remove().run();
    }
  }

  /// Waits for the tasks that were given, and takes no more.
  void end() {
    catchUp();
    synchronized (this) {
      ended = true;
    }
    for (ExecutorService executor : executors) {
      if (executor != null) {
        executor.shutdown();
        awaitEnd(executor);
      }
    }
  }

  private static void awaitEnd(ExecutorService executor) {
    boolean interrupted = false;
    boolean ended = false;
    while (!ended) {
      try {
        ended = executor.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /// Does something with files on a thread of the store's own, since the caller's may be interrupted,
  /// and waits for it.
  <T> T callOn(String threadName, Callable<T> task) {
    return await(begin(threadName, task));
  }

  /// Begins something on a thread of its own; [#await] gives what comes of it.
  <T> Future<T> begin(String threadName, Callable<T> task) {
    FutureTask<T> result = new FutureTask<>(task);
    if (inline) {
      result.run();
    } else {
      start(threadName, result);
    }
    return result;
  }

  /// Runs tasks side by side, one of them in the calling thread, and waits for all of them; throws what
  /// the first of them threw. The calling thread also runs those that the system has no thread for.
  void all(String threadName, List<? extends Runnable> tasks) {
    if (inline) {
      for (Runnable task : tasks) {
        task.run();
      }
      return;
    }
    List<FutureTask<Boolean>> ends = new ArrayList<>();
    for (Runnable task : tasks) {
      ends.add(new FutureTask<>(task, true));
    }
    for (FutureTask<Boolean> end : ends.subList(1, ends.size())) {
      try {
        start(threadName, end);
      } catch (OutOfMemoryError noThread) {
        end.run();
      }
    }
    ends.getFirst().run();
    // Wait for all of them even if one fails: they share what the caller will take apart then.
    for (FutureTask<Boolean> end : ends) {
      awaitDone(end);
    }
    for (FutureTask<Boolean> end : ends) {
      await(end);
    }
  }

  /// Starts a task on a thread of its own.
  ///
  /// @throws OutOfMemoryError if there can be no more threads
  Thread start(String threadName, Runnable task) {
    Thread thread = maker.thread(threadName, task);
    thread.start();
    return thread;
  }

  private static void awaitDone(Future<?> end) {
    try {
      await(end);
    } catch (RuntimeException | Error e) {
      // Told by the next look at it, once all are done.
    }
  }

  /// Waits for a future without giving in to interrupts, and throws what it failed with as it is.
  static <T> T await(Future<T> future) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return future.get();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } catch (ExecutionException | CompletionException e) {
      throw asUnchecked(e.getCause() == null ? e : e.getCause());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static RuntimeException asUnchecked(Throwable e) {
    return switch (e) {
      case RuntimeException unchecked -> unchecked;
      case Error error -> throw error;
      default -> new IllegalStateException(e);
    };
  }
}

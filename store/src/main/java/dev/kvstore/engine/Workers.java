package dev.kvstore.engine;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// The threads of one store: few, named, platform threads that nobody interrupts, each started by its
/// first task.
///
/// [#inline] runs everything in the calling thread instead, one thing after the other.
public final class Workers {
  /// What a thread is for; also its name.
  enum Worker {
    ALLOCATE("store-allocate"),
    SEAL("store-seal"),
    COMPACT("store-compact");

    private final String threadName;

    Worker(String threadName) {
      this.threadName = threadName;
    }
  }

  private final boolean inline;

  // Guarded by this; made on demand.
  private final Map<Worker, ExecutorService> executors = new EnumMap<>(Worker.class);
  private boolean ended;

  private Workers(boolean inline) {
    this.inline = inline;
  }

  /// Threads of its own for each kind of work.
  public static Workers threads() {
    return new Workers(false);
  }

  /// No threads: work is done by whoever causes it, before the call returns.
  public static Workers inline() {
    return new Workers(true);
  }

  boolean isInline() {
    return inline;
  }

  /// Runs a task after those given to the same worker before.
  ///
  /// @return false if the workers have ended; the task is dropped
  boolean run(Worker worker, Runnable task) {
    if (inline) {
      task.run();
      return true;
    }
    synchronized (this) {
      if (ended) {
        return false;
      }
      executors
          .computeIfAbsent(
              worker,
              w ->
                  Executors.newSingleThreadExecutor(
                      Thread.ofPlatform().daemon().name(w.threadName).factory()))
          .execute(task);
      return true;
    }
  }

  /// Waits for the tasks that were given, and takes no more.
  void end() {
    synchronized (this) {
      ended = true;
    }
    for (ExecutorService executor : executors.values()) {
      executor.shutdown();
      awaitEnd(executor);
    }
  }

  private static void awaitEnd(ExecutorService executor) {
    try {
      uninterruptibly(() -> executor.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS));
    } catch (Exception e) {
      throw asUnchecked(e);
    }
  }

  /// Does something with files on a thread of the store's own, since the caller's may be interrupted,
  /// and waits for it.
  <T> T callOn(String threadName, Callable<T> task) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Runnable run =
        () -> {
          try {
            result.complete(task.call());
          } catch (Throwable e) {
            result.completeExceptionally(e);
          }
        };
    if (inline) {
      run.run();
    } else {
      Thread.ofPlatform().daemon().name(threadName).start(run);
    }
    return await(result);
  }

  /// Runs tasks side by side and waits for all of them; throws what the first of them threw.
  void all(String threadName, List<? extends Runnable> tasks) {
    if (inline || tasks.size() == 1) {
      tasks.forEach(Runnable::run);
      return;
    }
    List<CompletableFuture<Void>> ends = new ArrayList<>();
    for (Runnable task : tasks) {
      CompletableFuture<Void> end = new CompletableFuture<>();
      ends.add(end);
      Thread.ofPlatform()
          .daemon()
          .name(threadName)
          .start(() -> {
            try {
              task.run();
              end.complete(null);
            } catch (Throwable e) {
              end.completeExceptionally(e);
            }
          });
    }
    // Wait for all of them even if one fails: they share what the caller will take apart then.
    for (CompletableFuture<Void> end : ends) {
      end.exceptionally(e -> null).join();
    }
    ends.forEach(Workers::await);
  }

  /// Waits for a future without giving in to interrupts, and throws what it failed with as it is.
  static <T> T await(Future<T> future) {
    try {
      return uninterruptibly(future::get);
    } catch (ExecutionException | CompletionException e) {
      throw asUnchecked(e.getCause() == null ? e : e.getCause());
    } catch (Exception e) {
      throw asUnchecked(e);
    }
  }

  private static RuntimeException asUnchecked(Throwable e) {
    return switch (e) {
      case RuntimeException unchecked -> unchecked;
      case Error error -> throw error;
      default -> new IllegalStateException(e);
    };
  }

  private static <T> T uninterruptibly(Callable<T> wait) throws Exception {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return wait.call();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}

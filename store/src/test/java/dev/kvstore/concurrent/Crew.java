package dev.kvstore.concurrent;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Threads of a test that begin together. What one of them throws, the test throws.
final class Crew implements AutoCloseable {
  private static final long END_SECONDS = 60;

  private final CountDownLatch begin = new CountDownLatch(1);
  private final List<Thread> threads = new ArrayList<>();
  private final List<FutureTask<Void>> tasks = new ArrayList<>();
  private volatile boolean stopped;

  /// Some work of a thread.
  @FunctionalInterface
  interface Work {
    void run() throws Exception;
  }

  /// Adds a thread that does something once.
  Crew once(String name, Work work) {
    FutureTask<Void> task =
        new FutureTask<>(() -> {
          begin.await();
          work.run();
          return null;
        });
    tasks.add(task);
    threads.add(Thread.ofPlatform().daemon().name(name).start(task));
    return this;
  }

  /// Adds a thread that does something again and again until [#stop], or until it throws.
  Crew untilStopped(String name, Work work) {
    return once(
        name,
        () -> {
          while (!stopped) {
            work.run();
          }
        });
  }

  Crew begin() {
    begin.countDown();
    return this;
  }

  /// Whether nobody has thrown so far.
  boolean isWell() {
    return tasks.stream().noneMatch(task -> task.state() == Future.State.FAILED);
  }

  /// Lets those who repeat run for a while; ends early if one of them throws.
  Crew runFor(long millis) throws Exception {
    begin();
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    for (FutureTask<Void> task : tasks) {
      long left = end - System.nanoTime();
      if (left > 0) {
        try {
          task.get(left, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
          // It goes on, as it should.
        } catch (ExecutionException e) {
          break; // stop throws it
        }
      }
    }
    stop();
    return this;
  }

  /// Stops those who repeat, waits for all and throws what the first of them threw.
  void stop() throws Exception {
    stopped = true;
    for (int i = 0; i < tasks.size(); i++) {
      try {
        tasks.get(i).get(END_SECONDS, TimeUnit.SECONDS);
      } catch (ExecutionException e) {
        throw new AssertionError(threads.get(i).getName() + ": " + e.getCause(), e.getCause());
      } catch (TimeoutException e) {
        throw new AssertionError(threads.get(i).getName() + " hangs:\n" + stacks());
      }
    }
    assertThat(threads).allMatch(thread -> !thread.isAlive() || thread.isDaemon());
  }

  private static String stacks() {
    StringBuilder text = new StringBuilder();
    Thread.getAllStackTraces()
        .forEach((thread, stack) -> {
          text.append(thread).append('\n');
          for (StackTraceElement element : stack) {
            text.append("    ").append(element).append('\n');
          }
        });
    return text.toString();
  }

  @Override
  public void close() {
    stopped = true;
    begin.countDown();
  }
}

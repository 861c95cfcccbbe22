package dev.kvstore.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.IntFunction;
import java.util.function.LongConsumer;
import org.HdrHistogram.Histogram;

/// Repeats a step, in one thread or in several, and takes the time.
final class Driver {
  /// How a repetition went. Latencies are those of the steps that were sampled.
  record Outcome(long operations, long nanos, Histogram latencies) {
    double rate() {
      return operations * 1e9 / nanos;
    }

    /// This and then another one, as one repetition.
    Outcome and(Outcome next) {
      Histogram both = latencies.copy();
      both.add(next.latencies);
      return new Outcome(operations + next.operations, nanos + next.nanos, both);
    }
  }

  /// What one of several threads does until they all end.
  ///
  /// @param first number of its first step
  /// @param done takes how many steps it made
  record Part(long first, LongConsumer step, LongConsumer done) {
    Part(long first, LongConsumer step) {
      this(first, step, steps -> {});
    }
  }

  private Driver() {}

  /// A fixed number of steps, numbered from 0 on.
  static Outcome times(long count, int sampleEvery, LongConsumer step) {
    return range(0, count, sampleEvery, step);
  }

  /// The same, shared among threads; each has a step of its own and takes a run of numbers.
  static Outcome times(long count, int threads, int sampleEvery, IntFunction<LongConsumer> steps) {
    if (threads == 1) {
      return times(count, sampleEvery, steps.apply(0));
    }
    List<Callable<Outcome>> parts = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      long first = count * thread / threads;
      long end = count * (thread + 1) / threads;
      LongConsumer step = steps.apply(thread);
      parts.add(() -> range(first, end, sampleEvery, step));
    }
    return together(parts, false);
  }

  private static Outcome range(long first, long end, int sampleEvery, LongConsumer step) {
    Histogram latencies = new Histogram(3);
    long start = System.nanoTime();
    for (long number = first; number < end; number++) {
      if (number % sampleEvery == 0) {
        long before = System.nanoTime();
        step.accept(number);
        latencies.recordValue(System.nanoTime() - before);
      } else {
        step.accept(number);
      }
    }
    return new Outcome(end - first, System.nanoTime() - start, latencies);
  }

  /// As many steps as fit, numbered from `first` on.
  static Outcome during(double seconds, long first, int sampleEvery, LongConsumer step) {
    long start = System.nanoTime();
    return between(start, start + nanos(seconds), first, sampleEvery, step);
  }

  /// The same in several threads, all with the same end. Virtual threads that are pinned by a native
  /// call keep others from beginning at all; those then have no part in it.
  static Outcome during(
      double seconds, int threads, boolean virtual, int sampleEvery, IntFunction<Part> parts) {
    List<Part> all = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      all.add(parts.apply(thread));
    }
    List<Callable<Outcome>> tasks = new ArrayList<>();
    long start = System.nanoTime();
    for (Part part : all) {
      tasks.add(() -> {
        Outcome outcome =
            between(start, start + nanos(seconds), part.first(), sampleEvery, part.step());
        part.done().accept(outcome.operations());
        return outcome;
      });
    }
    return together(tasks, virtual);
  }

  private static Outcome between(
      long start, long end, long first, int sampleEvery, LongConsumer step) {
    Histogram latencies = new Histogram(3);
    for (long done = 0; ; done++) {
      if (done % sampleEvery == 0) {
        long before = System.nanoTime();
        if (before - end >= 0) {
          return new Outcome(done, before - start, latencies);
        }
        step.accept(first + done);
        latencies.recordValue(System.nanoTime() - before);
      } else {
        step.accept(first + done);
      }
    }
  }

  private static long nanos(double seconds) {
    return (long) (seconds * 1e9);
  }

  private static Outcome together(List<Callable<Outcome>> parts, boolean virtual) {
    List<FutureTask<Outcome>> tasks = parts.stream().map(FutureTask::new).toList();
    for (FutureTask<Outcome> task : tasks) {
      var _ = virtual ? Thread.startVirtualThread(task) : Thread.ofPlatform().start(task);
    }
    long operations = 0;
    long nanos = 0;
    Histogram latencies = new Histogram(3);
    try {
      for (FutureTask<Outcome> task : tasks) {
        Outcome outcome = task.get();
        operations += outcome.operations;
        nanos = Math.max(nanos, outcome.nanos);
        latencies.add(outcome.latencies);
      }
    } catch (ExecutionException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return new Outcome(operations, nanos, latencies);
  }
}

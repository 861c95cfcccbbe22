package dev.kvstore.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// What an input may cost, however it was made: so much time, and memory in proportion to its length.
///
/// Heap is counted for all threads, whether it is collected again or not. Of memory outside the heap,
/// [MemoryDirectory] refuses what is larger than the file it is for.
public final class Bounds {
  private static final long SECONDS_MAX = 20;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  // The fuzzer's own thread must stay free to say that an input takes too long.
  private static final ExecutorService RUNNER =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("fuzzed").factory());

  private final long bytesFixed;
  private final long bytesPerByte;

  /// @param bytesFixed that may be allocated whatever the input
  /// @param bytesPerByte that may be allocated more for each byte of it
  public Bounds(long bytesFixed, long bytesPerByte) {
    this.bytesFixed = bytesFixed;
    this.bytesPerByte = bytesPerByte;
  }

  /// Runs something with an input of this length, and throws what it throws. Twice, if the first time
  /// costs too much: then classes may have been loaded.
  public void hold(int inputBytes, Runnable use) {
    long most = bytesFixed + bytesPerByte * inputBytes;
    if (allocatedBy(inputBytes, use) <= most) {
      return;
    }
    long allocated = allocatedBy(inputBytes, use);
    if (allocated > most) {
      throw new AssertionError(
          inputBytes + " bytes made it allocate " + allocated + " bytes, more than " + most);
    }
  }

  private static long allocatedBy(int inputBytes, Runnable use) {
    long before = THREADS.getTotalThreadAllocatedBytes();
    Future<?> running = RUNNER.submit(use);
    try {
      running.get(SECONDS_MAX, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw asUnchecked(e.getCause());
    } catch (TimeoutException e) {
      throw new AssertionError(
          inputBytes + " bytes keep the store busy for " + SECONDS_MAX + " s:\n" + stacks(), e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return THREADS.getTotalThreadAllocatedBytes() - before;
  }

  private static RuntimeException asUnchecked(Throwable e) {
    return switch (e) {
      case RuntimeException unchecked -> unchecked;
      case Error error -> throw error;
      default -> new IllegalStateException(e);
    };
  }

  private static String stacks() {
    StringBuilder text = new StringBuilder();
    Thread.getAllStackTraces()
        .forEach((thread, stack) -> {
          if (thread.getName().equals("fuzzed") || thread.getName().startsWith("store-")) {
            text.append(thread.getName()).append('\n');
            for (StackTraceElement element : stack) {
              text.append("  at ").append(element).append('\n');
            }
          }
        });
    return text.toString();
  }
}

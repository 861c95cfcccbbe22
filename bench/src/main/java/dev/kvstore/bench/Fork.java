package dev.kvstore.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// Runs a task in a JVM of its own: both sides of it. That JVM writes its results itself; why there
/// are none is written by whichever side knows.
final class Fork {
  /// First argument of a JVM that is to run a task.
  static final String CHILD = "--child";

  /// Under this name a line says why there is no result.
  static final String REASON = "reason";

  private static final int FAILED = 1;
  private static final long MEMORY_BYTES_MIN = 384L << 20;

  private Fork() {}

  /// @return whether it ended as it should, or could not be tried on this machine
  static boolean run(Task task, long limitSeconds) throws IOException, InterruptedException {
    if (task.memoryBytes().isEmpty()) {
      return run(task, command(task), limitSeconds);
    }
    long bytes = task.memoryBytes().getAsLong();
    if (bytes < MEMORY_BYTES_MIN) {
      reason(task, "too few keys: a JVM does not fit into " + (bytes >> 20) + " MiB");
      return true;
    }
    MemoryGroup memory;
    try {
      memory = MemoryGroup.ofBytes(bytes);
    } catch (IOException e) {
      reason(task, "no memory cgroup can be made here: " + e);
      return true;
    }
    try (memory) {
      // What is in the page cache already is on the account of whoever put it there.
      PageCache.drop(PageCache.below(task.directory()));
      return run(task, memory.inside(command(task)), limitSeconds);
    }
  }

  private static List<String> command(Task task) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    task.peer().ifPresent(peer -> command.addAll(peer.jvmFlags()));
    command.addAll(task.row().jvmFlags());
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), BenchMain.class.getName(), CHILD));
    command.addAll(task.arguments());
    return command;
  }

  private static boolean run(Task task, List<String> command, long limitSeconds)
      throws IOException, InterruptedException {
    PageCache.writeBack();
    long start = System.nanoTime();
    Process process = new ProcessBuilder(command).inheritIO().start();
    // Whoever stops the driver stops what it started.
    Thread end = new Thread(process::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(end);
    boolean ended = process.waitFor(limitSeconds, TimeUnit.SECONDS);
    process.destroyForcibly();
    // Throws if the driver is being stopped: that is no answer, so no line is written.
    Runtime.getRuntime().removeShutdownHook(end);
    int status = process.waitFor();
    System.err.printf(
        "round %d  %-14s %-10s %5.1f s%n",
        task.round() + 1, task.row().name(), task.who(), (System.nanoTime() - start) / 1e9);
    if (!ended) {
      reason(task, "not done in " + limitSeconds + " s");
      return false;
    }
    boolean good = status == (task.row().work() instanceof KillWork ? KillWork.STATUS : 0);
    if (!good && status != FAILED) {
      reason(task, "ended with status " + status);
    }
    return good;
  }

  /// What the other JVM does.
  ///
  /// @return its status
  static int child(List<String> arguments) throws IOException {
    Task task = Task.parse(arguments.subList(1, arguments.size()));
    Stage stage = new Stage(task);
    try {
      task.row().work().run(stage);
    } catch (Exception | Error e) {
      // Errors too: a wrong value is an AssertionError, and the table has to say it.
      e.printStackTrace();
      reason(task, "failed: " + e.toString().replace(task.directory().getParent() + "/", ""));
      return FAILED;
    }
    stage.finish();
    return 0;
  }

  static void reason(Task task, String reason) throws IOException {
    Map<String, Object> line = new LinkedHashMap<>(task.heading());
    line.put(REASON, reason);
    JsonLines.append(task.lines(), line);
  }
}

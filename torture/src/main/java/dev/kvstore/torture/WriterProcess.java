package dev.kvstore.torture;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A writer in a process of its own, with the Java and the class path of this one.
final class WriterProcess implements AutoCloseable {
  // What the shells of all systems make of a death by signal; Java does the same.
  private static final int SIGNALLED = 128;
  private static final List<Integer> SIGNALS_OF_OTHERS =
      List.of(SIGNALLED + 1, SIGNALLED + 2, SIGNALLED + 9, SIGNALLED + 15);
  private static final int SAID_MOST = 4000;
  private static final int HEAP_MEBIBYTES_LEAST = 256;

  private final Process process;
  private final Path output;

  private WriterProcess(Process process, Path output) {
    this.process = process;
    this.output = output;
  }

  /// @param output where it says things, errors included
  static WriterProcess start(WriterCommand how, WriterPlan plan, Path output) throws IOException {
    List<String> command = new ArrayList<>(how.shell());
    command.add(java());
    command.addAll(
        List.of(
            "-Xmx" + heapMebibytes(plan) + "m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=" + output + ".crash",
            "-Xlog:disable",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            how.main().getName()));
    command.addAll(plan.toArguments());
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    return new WriterProcess(process, output);
  }

  /// Room for a batch of large values, twice, in each thread.
  private static long heapMebibytes(WriterPlan plan) {
    long batches = 2L * Write.CHANGES_MAX * plan.threads() * plan.valueBytesMax();
    return HEAP_MEBIBYTES_LEAST + (batches >> 20);
  }

  private static String java() {
    return ProcessHandle.current()
        .info()
        .command()
        .orElseGet(() -> Path.of(System.getProperty("java.home"), "bin", "java").toString());
  }

  /// Waits a little for its end; whether that has come.
  boolean hasEnded(long nanos) throws InterruptedException {
    return process.waitFor(nanos, TimeUnit.NANOSECONDS);
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /// Kills it, as `kill -9` does, and waits until it is gone.
  ///
  /// @return whether it had not ended before, of itself or by somebody else's hand
  boolean kill() throws InterruptedException {
    boolean wasAlive = process.isAlive();
    process.destroyForcibly().waitFor();
    return wasAlive && process.exitValue() == SIGNALLED + 9;
  }

  int exitCode() {
    return process.exitValue();
  }

  /// Whether somebody else ended it by a signal: a terminal, the system when memory is short.
  boolean wasKilledByOthers() {
    return SIGNALS_OF_OTHERS.contains(process.exitValue());
  }

  /// What it said, the end of it if that is much.
  String said() throws IOException {
    String all = Files.readString(output, StandardCharsets.UTF_8).strip();
    return all.length() <= SAID_MOST ? all : "... " + all.substring(all.length() - SAID_MOST);
  }

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }
}

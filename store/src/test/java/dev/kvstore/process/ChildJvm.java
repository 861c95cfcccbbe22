package dev.kvstore.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/// A Java program in a process of its own. What it says goes to a file: from a pipe, Java would drop
/// what nobody has read yet when the process is killed.
public final class ChildJvm implements AutoCloseable {
  private static final long END_SECONDS = 60;

  private final Process process;
  private final Path output;

  private ChildJvm(Process process, Path output) {
    this.process = process;
    this.output = output;
  }

  /// Starts the main method of a class.
  ///
  /// @param output where it says things, errors included
  public static ChildJvm start(Path output, Class<?> main, Object... arguments) {
    return start(output, List.of(), List.of("-Xmx256m"), main, arguments);
  }

  /// As above.
  ///
  /// @param shell what comes before the command, such as a shell that sets limits
  /// @param jvm options of the JVM, which override the usual ones
  public static ChildJvm start(
      Path output, List<String> shell, List<String> jvm, Class<?> main, Object... arguments) {
    List<String> command = new ArrayList<>(shell);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-ea",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=" + output + ".crash"));
    command.addAll(jvm);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    Arrays.stream(arguments).map(Object::toString).forEach(command::add);
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      return new ChildJvm(process, output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public long pid() {
    return process.pid();
  }

  /// What it has said so far.
  public String said() {
    try {
      return Files.readString(output, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Waits until it has said this.
  public void awaitSaid(String text) {
    Awaitility.await()
        .atMost(END_SECONDS, TimeUnit.SECONDS)
        .pollInterval(5, TimeUnit.MILLISECONDS)
        .until(() -> {
          boolean there = said().contains(text);
          if (!there && !process.isAlive() && !said().contains(text)) {
            throw new AssertionError("ended without saying \"" + text + "\":\n" + said());
          }
          return there || said().contains(text);
        });
  }

  /// Waits for its own end, which must be a good one; returns what it said.
  public String awaitEnd() {
    try {
      if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError("does not end; it said:\n" + said());
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    if (process.exitValue() != 0) {
      throw new AssertionError("ended with " + process.exitValue() + "; it said:\n" + said());
    }
    return said();
  }

  /// Lets it run for a while, then kills it as `kill -9` does.
  public void killAfter(long millis) {
    try {
      if (process.waitFor(millis, TimeUnit.MILLISECONDS)) {
        throw new AssertionError(
            "ended by itself with " + process.exitValue() + "; it said:\n" + said());
      }
      process.destroyForcibly().waitFor();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /// Kills it at once.
  public void kill() {
    killAfter(0);
  }

  @Override
  public void close() {
    try {
      process.destroyForcibly().waitFor();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}

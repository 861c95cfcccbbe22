package dev.kvstore.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Runs the command in this JVM on the store of one directory, and keeps what it said.
final class CommandRun {
  /// What a command did.
  record Outcome(int code, byte[] bytes, String err) {
    String out() {
      return new String(bytes, StandardCharsets.UTF_8);
    }

    List<String> lines() {
      return out().lines().toList();
    }

    List<String> errLines() {
      return err.lines().toList();
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Outcome(int theirCode, byte[] theirBytes, String theirErr)
          && code == theirCode
          && Arrays.equals(bytes, theirBytes)
          && err.equals(theirErr);
    }

    @Override
    public int hashCode() {
      return out().hashCode();
    }

    @Override
    public String toString() {
      return "exit code " + code + "\n" + out() + err;
    }
  }

  private final Path directory;

  CommandRun(Path directory) {
    this.directory = directory;
  }

  Outcome run(String... args) {
    return run(InputStream.nullInputStream(), new Interrupts(), args);
  }

  Outcome runWithInput(String input, String... args) {
    return runWithInput(input.getBytes(StandardCharsets.UTF_8), args);
  }

  Outcome runWithInput(byte[] input, String... args) {
    return run(new ByteArrayInputStream(input), new Interrupts(), args);
  }

  Outcome run(InputStream in, Interrupts interrupts, String... args) {
    List<String> all = new ArrayList<>(List.of("--data-dir", directory.toString()));
    all.addAll(Arrays.asList(args));
    return runPlain(in, interrupts, Map.of(), all.toArray(new String[0]));
  }

  /// Runs without naming the store.
  static Outcome runPlain(Map<String, String> env, String... args) {
    return runPlain(InputStream.nullInputStream(), new Interrupts(), env, args);
  }

  private static Outcome runPlain(
      InputStream in, Interrupts interrupts, Map<String, String> env, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code = Main.run(args, Streams.of(in, out, err, env), interrupts, false);
    return new Outcome(code, out.toByteArray(), err.toString(StandardCharsets.UTF_8));
  }
}

package dev.kvstore.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/// What is known of the machine. Linux.
final class Machine {
  private Machine() {}

  static Map<String, String> describe(Path data) throws IOException {
    Map<String, String> machine = new LinkedHashMap<>();
    machine.put(
        "cpu",
        Runtime.getRuntime().availableProcessors()
            + " x "
            + field(Path.of("/proc/cpuinfo"), "model name"));
    machine.put("memory", field(Path.of("/proc/meminfo"), "MemTotal"));
    machine.put("load", load());
    machine.put(
        "kernel",
        System.getProperty("os.name") + " " + System.getProperty("os.version").split("-", 2)[0]);
    FileStore disk = Files.getFileStore(data);
    machine.put(
        "file system",
        "%s, %d GiB, %d GiB free"
            .formatted(disk.type(), disk.getTotalSpace() >> 30, disk.getUsableSpace() >> 30));
    machine.put("jdk", System.getProperty("java.vm.name") + " " + Runtime.version());
    machine.put("commit", output("git", "describe", "--always", "--dirty").strip());
    return machine;
  }

  /// Resident memory of this process that no file stands behind.
  static long anonymousBytes() throws IOException {
    return memory("RssAnon");
  }

  /// Resident memory of this process, mapped files included.
  static long residentBytes() throws IOException {
    return memory("VmRSS");
  }

  /// The most that [#residentBytes] has been since [#forgetPeak].
  static long peakBytes() throws IOException {
    return memory("VmHWM");
  }

  static void forgetPeak() throws IOException {
    Files.writeString(Path.of("/proc/self/clear_refs"), "5");
  }

  private static long memory(String name) throws IOException {
    String kib = field(Path.of("/proc/self/status"), name);
    return Long.parseLong(kib.replace("kB", "").strip()) << 10;
  }

  /// Bytes that this process made the system write to disks so far: pages that became dirty.
  static long bytesWritten() throws IOException {
    return Long.parseLong(field(Path.of("/proc/self/io"), "write_bytes"));
  }

  /// Load average of the last minute.
  static String load() throws IOException {
    return Files.readString(Path.of("/proc/loadavg")).split(" ", 2)[0];
  }

  /// Bytes of the blocks that a directory's files take; holes do not count.
  static long diskBytes(Path directory) throws IOException {
    return Long.parseLong(output("du", "-s", "-B1", directory.toString()).split("\t", 2)[0]);
  }

  private static String field(Path file, String name) throws IOException {
    try (Stream<String> lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("unknown");
    }
  }

  private static String output(String... command) throws IOException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }
}

package dev.kvstore.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A control group of Linux that bounds the memory of the processes in it, with what they have the
/// page cache hold. Version 2, or the memory controller of version 1. Takes root, as a rule.
///
/// Lifecycle: [#close] removes it; its processes must have ended.
final class MemoryGroup implements AutoCloseable {
  private static final Path ROOT = Path.of("/sys/fs/cgroup");
  private static final Path ROOT_1 = ROOT.resolve("memory");

  private final Path directory;

  private MemoryGroup(Path directory) {
    this.directory = directory;
  }

  /// @throws IOException if there is no such controller, or it is not ours to use
  static MemoryGroup ofBytes(long bytes) throws IOException {
    boolean second = Files.exists(ROOT.resolve("cgroup.controllers"));
    Path parent = second ? ROOT : ROOT_1;
    Path directory = parent.resolve("kvstore-bench-" + ProcessHandle.current().pid());
    Files.createDirectory(directory);
    try {
      if (second && !Files.exists(directory.resolve("memory.max"))) {
        Files.writeString(parent.resolve("cgroup.subtree_control"), "+memory");
      }
      Files.writeString(
          directory.resolve(second ? "memory.max" : "memory.limit_in_bytes"), Long.toString(bytes));
      Path swap = directory.resolve("memory.swap.max");
      if (Files.exists(swap)) {
        Files.writeString(swap, "0");
      }
    } catch (IOException e) {
      Files.delete(directory);
      throw e;
    }
    return new MemoryGroup(directory);
  }

  /// A command that runs another one in this group.
  List<String> inside(List<String> command) {
    List<String> all = new ArrayList<>();
    all.addAll(List.of("sh", "-c", "echo $$ > \"$0\" && exec \"$@\""));
    all.add(directory.resolve("cgroup.procs").toString());
    all.addAll(command);
    return all;
  }

  @Override
  public void close() throws IOException {
    Files.delete(directory);
  }
}

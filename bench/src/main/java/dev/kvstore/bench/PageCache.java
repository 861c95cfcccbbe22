package dev.kvstore.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;

/// What the system keeps of files in memory: put there, or taken out, and read past it.
final class PageCache {
  private static final int READ_BYTES = 1 << 20;

  private PageCache() {}

  /// The files of a directory whose names end like that, by name.
  static List<Path> files(Path directory, String suffix) throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.filter(file -> file.getFileName().toString().endsWith(suffix)).sorted().toList();
    }
  }

  static long bytes(List<Path> files) throws IOException {
    long bytes = 0;
    for (Path file : files) {
      bytes += Files.size(file);
    }
    return bytes;
  }

  /// All files below a directory.
  static List<Path> below(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      return all.filter(Files::isRegularFile).toList();
    }
  }

  /// Has the system write all that is dirty, so that what is measured next does not wait for the leftovers
  /// of what was before.
  static void writeBack() throws IOException, InterruptedException {
    new ProcessBuilder("sync").start().waitFor();
  }

  /// Writes back what is dirty of these files and forgets what stands in them. `dd` knows how to ask
  /// the system for that; no other file of the machine is touched, and no right is needed for it.
  ///
  /// @return whether it could be done
  static boolean drop(List<Path> files) throws IOException, InterruptedException {
    boolean done = true;
    for (Path file : files) {
      done &=
          new ProcessBuilder(
                      "dd", "of=" + file, "oflag=nocache", "conv=notrunc,fdatasync", "count=0")
                  .redirectError(ProcessBuilder.Redirect.DISCARD)
                  .start()
                  .waitFor()
              == 0;
    }
    return done;
  }

  /// Bytes per second of reading files from front to back in calls of 1 MiB.
  ///
  /// @param threads each reads its part of the bytes of every file
  static double readRate(List<Path> files, int threads) throws IOException, InterruptedException {
    long bytes = bytes(files);
    long start = System.nanoTime();
    List<FutureTask<Long>> parts = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      int part = thread;
      Callable<Long> read = () -> readPart(files, part, threads);
      FutureTask<Long> task = new FutureTask<>(read);
      parts.add(task);
      Thread.ofPlatform().start(task);
    }
    long read = 0;
    try {
      for (FutureTask<Long> part : parts) {
        read += part.get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
    if (read != bytes) {
      throw new UncheckedIOException(new IOException("read " + read + " of " + bytes));
    }
    return bytes * 1e9 / (System.nanoTime() - start);
  }

  private static long readPart(List<Path> files, int part, int parts) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(READ_BYTES);
    long read = 0;
    for (Path file : files) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        long size = channel.size();
        long end = size * (part + 1) / parts;
        for (long at = size * part / parts; at < end; ) {
          buffer.clear().limit((int) Math.min(READ_BYTES, end - at));
          int count = channel.read(buffer, at);
          at += count;
          read += count;
        }
      }
    }
    return read;
  }
}

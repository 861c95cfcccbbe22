package dev.kvstore.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/// A file system of 16 MiB of its own. Needs root; elsewhere the test is skipped.
public final class SmallDisk implements AutoCloseable {
  public static final int BYTES = 16 << 20;

  private static final String FILLER = "filler";
  private static final int BLOCK_BYTES = 4096;

  private final Path mountPoint;

  private SmallDisk(Path mountPoint) {
    this.mountPoint = mountPoint;
  }

  /// What it is made of.
  public enum Kind {
    TMPFS,
    EXT4
  }

  public static SmallDisk mount(Kind kind, Path temporary) {
    Path mountPoint = temporary.resolve("disk");
    try {
      Files.createDirectories(mountPoint);
      boolean mounted =
          switch (kind) {
            case TMPFS ->
                succeeds(
                    "mount",
                    "-t",
                    "tmpfs",
                    "-o",
                    "size=" + BYTES,
                    "kvstore",
                    mountPoint.toString());
            case EXT4 -> mountExt4(temporary.resolve("disk.img"), mountPoint);
          };
      if (!mounted) {
        System.out.println("skipped: cannot mount a small " + kind + " here; that needs root");
      }
      Assumptions.assumeTrue(mounted, "cannot mount " + kind + " here");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new SmallDisk(mountPoint);
  }

  private static boolean mountExt4(Path image, Path mountPoint) throws IOException {
    try (FileChannel file =
        FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.allocate(1), BYTES - 1);
    }
    return succeeds("mkfs.ext4", "-q", "-F", "-m", "0", image.toString())
        && succeeds("mount", "-o", "loop", image.toString(), mountPoint.toString());
  }

  private static boolean succeeds(String... command) {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException e) {
      return false; // there is no such program
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /// Where a store may be put.
  public Path store() {
    return mountPoint.resolve("store");
  }

  /// Takes all the space there is, but for some blocks of 4 KiB.
  public void fillUp(int blocksLeft) {
    Path filler = mountPoint.resolve(FILLER);
    try (FileChannel file =
        FileChannel.open(
            filler,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.APPEND)) {
      // Written, since an ext4 tells of less than there is while blocks are only promised.
      byte[] block = "x".repeat(BLOCK_BYTES).getBytes(StandardCharsets.US_ASCII);
      try {
        while (true) {
          file.write(ByteBuffer.wrap(block));
        }
      } catch (IOException e) {
        file.truncate(Math.max(0, file.size() / BLOCK_BYTES - blocksLeft) * BLOCK_BYTES);
        file.force(true);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Gives back what [#fillUp] took.
  public void makeRoom() {
    try {
      Files.deleteIfExists(mountPoint.resolve(FILLER));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    if (!succeeds("umount", mountPoint.toString())
        && !succeeds("umount", "-l", mountPoint.toString())) {
      throw new IllegalStateException("cannot unmount " + mountPoint);
    }
  }
}

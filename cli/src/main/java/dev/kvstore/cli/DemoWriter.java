package dev.kvstore.cli;

import dev.kvstore.KvStore;
import dev.kvstore.Options;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;

/// The process that the demonstration kills: writes until it dies, each write on the disk before it
/// is acknowledged by a line `lane number` on standard output.
///
/// There are several lanes, each a thread with keys of its own, so that the kill meets writes in
/// every stage. A lane has one write under way at a time and overwrites its keys round after round.
final class DemoWriter {
  static final int LANES = 16;

  /// Keys of a lane. So many that few lanes come to overwrite theirs before the kill.
  static final int SLOTS = 4096;

  private DemoWriter() {}

  /// Writes into the store of the directory that is the only argument.
  public static void main(String[] args) throws InterruptedException {
    OutputStream acks = new FileOutputStream(FileDescriptor.out);
    try (KvStore store = KvStore.open(Path.of(args[0]), Options.defaults())) {
      Thread[] lanes = new Thread[LANES];
      for (int lane = 0; lane < LANES; lane++) {
        int number = lane;
        lanes[lane] = Thread.startVirtualThread(() -> write(store, number, acks));
      }
      for (Thread lane : lanes) {
        lane.join();
      }
    }
  }

  private static void write(KvStore store, int lane, OutputStream acks) {
    try {
      for (long number = 1; ; number++) {
        store.put(key(lane, number), value(lane, number));
        byte[] ack = (lane + " " + number + "\n").getBytes(StandardCharsets.US_ASCII);
        synchronized (acks) {
          acks.write(ack);
        }
      }
    } catch (IOException e) {
      System.exit(ExitCode.BROKEN_PIPE); // Nobody listens: the demonstration is over.
    }
  }

  /// The key of a lane's write; numbers begin at 1.
  static byte[] key(int lane, long number) {
    return ("written/" + lane + "/" + number % SLOTS).getBytes(StandardCharsets.US_ASCII);
  }

  /// The value of a lane's write: its number, then bytes that depend on it.
  static byte[] value(int lane, long number) {
    SplittableRandom random = new SplittableRandom(number * LANES + lane);
    byte[] noise = new byte[20 + random.nextInt(200)];
    random.nextBytes(noise);
    byte[] head = (number + " ").getBytes(StandardCharsets.US_ASCII);
    byte[] value = Arrays.copyOf(head, head.length + noise.length);
    System.arraycopy(noise, 0, value, head.length, noise.length);
    return value;
  }
}

package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// One life of a store, in a JVM of its own with the flags that the store asks for.
///
/// - `write`: every kind of call, from one thread and from many; then close
/// - `read`: everything is as `write` left it
/// - `kill`: the same as `write`, but the JVM ends without closing anything
final class PeerCheck {
  static final int HALTED = 17;

  private static final Data DATA = new Data(2_000, 16, 100);
  private static final int OVERWRITTEN_END = 500;
  private static final int DELETED_END = 100;
  private static final int SINGLE_END = 1_000;
  private static final int BATCH_END = 1_100;
  private static final int THREADS = 64;
  private static final int KEYS_PER_THREAD = 6;
  private static final int PLATFORM_END = BATCH_END + THREADS * KEYS_PER_THREAD;
  private static final int VIRTUAL_END = PLATFORM_END + THREADS * KEYS_PER_THREAD;

  private PeerCheck() {}

  public static void main(String[] args) throws Exception {
    PeerKind kind = PeerKind.valueOf(args[0]);
    Opening opening = Opening.inMemory(args[1].equals("durable"), DATA);
    Peer peer = kind.open(Path.of(args[2]), opening);
    if (!args[3].equals("read")) {
      write(peer);
      settleAndCheck(peer);
    }
    check(peer);
    if (peer.settings().isBlank()) {
      throw new AssertionError("no settings");
    }
    if (args[3].equals("kill")) {
      peer.handOver();
      Runtime.getRuntime().halt(HALTED);
    }
    peer.close();
  }

  private static void write(Peer peer) throws Exception {
    // The same arrays for every put, as the works do it.
    byte[] key = new byte[DATA.keyBytes()];
    byte[] value = new byte[DATA.valueBytes()];
    for (int number = 0; number < SINGLE_END; number++) {
      DATA.fillKey(number, key);
      DATA.fillValue(number, 0, value);
      peer.put(key, value);
    }
    for (int number = 0; number < OVERWRITTEN_END; number++) {
      DATA.fillKey(number, key);
      DATA.fillValue(number, 1, value);
      peer.put(key, value);
      DATA.check(number, 1, peer.get(key));
    }
    for (int number = 0; number < DELETED_END; number++) {
      peer.delete(DATA.key(number));
    }
    peer.delete(DATA.key(DATA.keys() - 1)); // was never there
    List<Integer> batch = IntStream.range(SINGLE_END, BATCH_END).boxed().toList();
    peer.putBatch(
        batch.stream().map(DATA::key).toList(),
        batch.stream().map(number -> DATA.value(number, 0)).toList());
    putInThreads(peer, BATCH_END, false);
    putInThreads(peer, PLATFORM_END, true);
  }

  private static void putInThreads(Peer peer, int first, boolean virtual) throws Exception {
    List<FutureTask<Void>> tasks = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      int begin = first + thread * KEYS_PER_THREAD;
      FutureTask<Void> task =
          new FutureTask<>(() -> {
            for (int number = begin; number < begin + KEYS_PER_THREAD; number++) {
              peer.put(DATA.key(number), DATA.value(number, 0));
              DATA.check(number, 0, peer.get(DATA.key(number)));
              DATA.check(SINGLE_END - 1, 0, peer.get(DATA.key(SINGLE_END - 1)));
            }
            return null;
          });
      tasks.add(task);
      var _ = virtual ? Thread.startVirtualThread(task) : Thread.ofPlatform().start(task);
    }
    for (FutureTask<Void> task : tasks) {
      task.get();
    }
  }

  private static void settleAndCheck(Peer peer) {
    check(peer);
    peer.settle();
    peer.indexBytes()
        .ifPresent(bytes -> {
          if (bytes < 0) {
            throw new AssertionError("index of " + bytes + " bytes");
          }
        });
  }

  private static void check(Peer peer) {
    List<byte[]> keys = new ArrayList<>();
    for (int number = 0; number < DATA.keys(); number++) {
      check(number, peer.get(DATA.key(number)));
      keys.add(DATA.key(number));
    }
    List<byte @Nullable []> values = peer.getAll(keys);
    if (values.size() != keys.size()) {
      throw new AssertionError(values.size() + " values of " + keys.size());
    }
    for (int number = 0; number < DATA.keys(); number++) {
      check(number, values.get(number));
    }
  }

  private static void check(int number, byte @Nullable [] found) {
    if (number < DELETED_END || number >= VIRTUAL_END) {
      if (found != null) {
        throw new AssertionError("key " + number + ": there");
      }
    } else {
      DATA.check(number, number < OVERWRITTEN_END ? 1 : 0, found);
    }
  }
}

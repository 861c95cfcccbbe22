package dev.kvstore.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.CompactionPolicy;
import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import dev.kvstore.StoreIoException;
import dev.kvstore.WriteBatch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A segment that somebody cuts while the store reads it. In a JVM with the serial collector, whose compiled
/// loops have no safepoints: it tells of lost memory when they are over.
@Timeout(180)
class CutSegmentTest {
  private static final int KEYS = 60_000;
  private static final String CUT = "0000000003.seg";
  private static final int BYTES_LEFT = 100 * 4096;

  @TempDir private Path temporary;

  @Test
  void readersOfManyKeysAndBatchesAreToldWhichFileItIs() {
    try (ChildJvm child =
        ChildJvm.start(
            temporary.resolve("out"),
            List.of(),
            List.of("-Xmx512m", "-XX:TieredStopAtLevel=4"),
            CutWhileRead.class,
            temporary.resolve("store"))) {
      assertThat(child.awaitEnd()).contains("told as it is");
    }
  }

  /// Main class: reads many keys until that is compiled, cuts a segment, and goes on.
  static final class CutWhileRead {
    private CutWhileRead() {}

    private static byte[] key(int number) {
      return ByteBuffer.allocate(16).putInt(number).array();
    }

    private static byte[] value(int number) {
      return ByteBuffer.allocate(100).putInt(number).array();
    }

    public static void main(String[] arguments) throws IOException {
      Path directory = Path.of(arguments[0]);
      Options options =
          Options.builder()
              .durability(Durability.OS)
              .segmentBytesMax(1 << 20)
              .compaction(CompactionPolicy.manual())
              .build();
      KvStore store = KvStore.open(directory, options);
      List<byte[]> keys = new ArrayList<>();
      for (int number = 0; number < KEYS; number++) {
        keys.add(key(number));
        store.put(key(number), value(number));
      }
      List<byte[]> shuffled = new ArrayList<>(keys);
      Collections.shuffle(shuffled, new Random(1));
      for (int turn = 0; turn < 40; turn++) {
        store.getAll(shuffled.subList(0, 20_000));
      }
      try (FileChannel file = FileChannel.open(directory.resolve(CUT), StandardOpenOption.WRITE)) {
        file.truncate(BYTES_LEFT);
      }
      int lost = 0;
      for (byte[] key : keys) {
        boolean there = isToldOrRight(() -> store.get(key));
        lost += there ? 0 : 1;
        require(isToldOrRight(() -> store.getAll(List.of(key))) == there, "one alone and of many");
      }
      require(lost > 1000 && lost < KEYS / 2, lost + " lost");
      for (int from = 0; from + 200 < KEYS; from += 200) {
        List<byte[]> some = shuffled.subList(from, from + 1 + from / 200 % 200);
        isToldOrRight(() -> store.getAll(some));
      }
      int batches = 0;
      for (int number = 0; batches < 20; number += 100) {
        byte[] key = keys.get(number);
        if (!isToldOrRight(() -> store.get(key))) {
          require(
              !isToldOrRight(() -> store.write(new WriteBatch().put(key, value(0)))), "a batch");
          batches++;
        }
      }
      store.put(key(KEYS), value(KEYS)); // it has not stopped
      System.out.println("told as it is");
      System.exit(0); // a store that has lost memory may not close well
    }

    /// Whether it went well. If not, it must have been told which file was cut.
    private static boolean isToldOrRight(Runnable call) {
      try {
        call.run();
        return true;
      } catch (StoreIoException e) {
        require(String.valueOf(e.getMessage()).contains(CUT), e.toString());
        return false;
      }
    }

    private static void require(boolean condition, String what) {
      if (!condition) {
        throw new IllegalStateException(what);
      }
    }
  }
}

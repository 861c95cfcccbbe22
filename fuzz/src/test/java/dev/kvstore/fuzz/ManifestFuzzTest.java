package dev.kvstore.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kvstore.KvStore;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreVersionException;
import java.util.Arrays;
import java.util.Map;

/// Manifests: one that does not verify is refused and nothing touched; one that verifies and lies may be
/// refused or believed, but nothing is served that was not written, and no file that is not ours is
/// read, written or removed.
class ManifestFuzzTest {
  private static final int FIXED_BYTES = 80;
  private static final Bounds BOUNDS = new Bounds(32 << 20, 400);
  private static final Sample SAMPLE = new Sample();

  /// The input is the manifest.
  @FuzzTest
  void anyBytes(byte[] input) {
    if (Arrays.equals(input, SAMPLE.file("MANIFEST"))) {
      return;
    }
    Map<String, byte[]> changed = SAMPLE.with("MANIFEST", input);
    BOUNDS.hold(
        input.length,
        () -> {
          MemoryDirectory directory = new MemoryDirectory(changed);
          try (KvStore store = Stores.open(directory, Stores.STRICT)) {
            throw new AssertionError("opened: " + store.recovery());
          } catch (StoreCorruptionException | StoreVersionException e) {
            // As it must be.
          }
          Map<String, byte[]> left = directory.contents();
          left.remove("LOCK");
          if (!Stores.same(left, changed)) {
            throw new AssertionError("refused, and changed all the same");
          }
        });
  }

  /// The input is the manifest behind its header, which with its checksum is made right.
  @FuzzTest
  void anyFields(byte[] input) {
    byte[] manifest = Arrays.copyOf(input, Math.max(FIXED_BYTES, input.length) + 4);
    PlainRecords.fileHeader(manifest, 'M', SAMPLE.store());
    fitCounts(manifest);
    PlainRecords.sumAtEnd(manifest);
    use(input.length, manifest);
  }

  /// The input tells what is written over a good manifest, whose checksum is then made right.
  @FuzzTest
  void anyChanges(byte[] input) {
    Feed feed = new Feed(input);
    byte[] manifest = SAMPLE.file("MANIFEST");
    while (!feed.isEmpty()) {
      int word = 8 * feed.below(manifest.length / 8);
      int other = 8 * feed.below(manifest.length / 8);
      switch (feed.below(6)) {
        case 0 -> System.arraycopy(manifest, other, manifest, word, 8);
        case 1 -> manifest[word + feed.below(8)] ^= (byte) feed.next();
        case 2 -> manifest[word] += (byte) feed.next();
        case 3 -> System.arraycopy(feed.take(8), 0, manifest, word, 8);
        case 4 -> manifest = Arrays.copyOf(manifest, Math.max(FIXED_BYTES + 4, word + 4));
        default -> manifest = Arrays.copyOf(manifest, manifest.length + 8 * feed.below(32));
      }
    }
    PlainRecords.fileHeader(manifest, 'M', SAMPLE.store());
    if (feed.next() == 0) {
      fitCounts(manifest);
    }
    PlainRecords.sumAtEnd(manifest);
    use(input.length, manifest);
  }

  /// Makes the length agree with the number of sealed segments: what is left are open ones.
  private static void fitCounts(byte[] manifest) {
    int room = manifest.length - FIXED_BYTES - 4;
    int sealed = Math.min(PlainRecords.numbers(manifest).getInt(68) & 0xFF, room / 56);
    PlainRecords.numbers(manifest).putInt(68, sealed).putInt(72, (room - 56 * sealed) / 8);
  }

  private static void use(int inputBytes, byte[] manifest) {
    Map<String, byte[]> changed = SAMPLE.with("MANIFEST", manifest);
    changed.put("stranger.txt", new byte[] {1, 2, 3});
    BOUNDS.hold(inputBytes, () -> SAMPLE.requireBounded(changed));
  }
}

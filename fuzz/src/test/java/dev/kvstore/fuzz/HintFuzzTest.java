package dev.kvstore.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import java.util.List;

/// Hints: one that does not verify changes nothing; one that verifies and lies makes the store miss or
/// refuse, and never serve what was not written.
class HintFuzzTest {
  private static final int HEADER_BYTES = 64;
  private static final int ENTRY_BYTES = 24;
  private static final Bounds BOUNDS = new Bounds(24 << 20, 200);
  private static final Sample SAMPLE = new Sample();

  /// The input is a hint.
  @FuzzTest
  void anyBytes(byte[] input) {
    if (input.length == 0) {
      return;
    }
    List<String> hints = SAMPLE.hints();
    String name = hints.get((input[0] & 0xFF) % hints.size());
    byte[] hint = Arrays.copyOfRange(input, 1, input.length);
    if (!Arrays.equals(hint, SAMPLE.file(name))) {
      BOUNDS.hold(input.length, () -> SAMPLE.requireUnharmed(SAMPLE.with(name, hint)));
    }
  }

  /// The input tells what is written over a good hint, whose checksum is then made right.
  @FuzzTest
  void anyEntries(byte[] input) {
    Feed feed = new Feed(input);
    List<String> hints = SAMPLE.hints();
    String name = hints.get(feed.below(hints.size()));
    byte[] hint = SAMPLE.file(name);
    int entries = (hint.length - HEADER_BYTES - 4) / ENTRY_BYTES;
    while (!feed.isEmpty()) {
      int entry = HEADER_BYTES + ENTRY_BYTES * feed.below(entries);
      int other = HEADER_BYTES + ENTRY_BYTES * feed.below(entries);
      switch (feed.below(6)) {
        case 0 -> System.arraycopy(hint, other, hint, entry, ENTRY_BYTES); // twice
        case 1 -> System.arraycopy(hint, other, hint, entry, 8); // the hash of another
        case 2 -> System.arraycopy(hint, other + 16, hint, entry + 16, 8); // the place of another
        case 3 -> System.arraycopy(feed.take(ENTRY_BYTES), 0, hint, entry, ENTRY_BYTES);
        case 4 -> System.arraycopy(feed.take(8), 0, hint, entry + 8 * feed.below(3), 8);
        default -> hint[feed.place(hint.length)] ^= (byte) feed.next();
      }
    }
    PlainRecords.sumAtEnd(hint);
    BOUNDS.hold(input.length, () -> SAMPLE.requireBounded(SAMPLE.with(name, hint)));
  }
}

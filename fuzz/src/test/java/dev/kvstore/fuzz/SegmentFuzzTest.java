package dev.kvstore.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kvstore.KvStore;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreException;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/// Segments: what a store serves, refuses and cuts is what [Replay], which reads the same bytes as the
/// documents tell it, says it must.
class SegmentFuzzTest {
  private static final Bounds BOUNDS = new Bounds(16 << 20, 400);

  /// The input is the open segment. If the first byte is odd, header and records are made to verify
  /// wherever they could be some, so that what is behind the checksums is reached.
  @FuzzTest
  void anyBytes(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] segment = Arrays.copyOfRange(input, 1, input.length);
    if ((input[0] & 1) != 0) {
      makeVerify(segment);
    }
    check(input.length, new TwoSegments(null, segment));
  }

  private static void makeVerify(byte[] segment) {
    byte[] header = TwoSegments.OPEN_RECORDS.header();
    System.arraycopy(header, 0, segment, 0, Math.min(header.length, segment.length));
    for (int at = header.length; at < segment.length; at += 8) {
      if (TwoSegments.OPEN_RECORDS.isPossible(segment, at)) {
        TwoSegments.OPEN_RECORDS.sum(segment, at);
        var record = TwoSegments.OPEN_RECORDS.at(segment, at);
        at = record == null ? at : record.end() - 8;
      }
    }
  }

  /// The input tells what is written into a sealed and an open segment, see [LogMaker].
  @FuzzTest
  void anyRecords(byte[] input) {
    Feed feed = new Feed(input);
    check(input.length, TwoSegments.make(feed.next(), feed));
  }

  private static void check(int inputBytes, TwoSegments log) {
    Map<String, byte[]> files = log.files();
    boolean hasHeader =
        log.open().length >= PlainRecords.SEGMENT_HEADER_BYTES
            && Arrays.equals(withoutTime(log.open()), TwoSegments.OPEN_RECORDS.header());
    Replay replay = log.replay();
    BOUNDS.hold(
        inputBytes,
        () -> {
          if (hasHeader) {
            checkStrict(files, replay);
          } else {
            requireRefused(files);
          }
          checkRest(files, replay);
        });
  }

  /// The header, with the one field in it that may be anything as it is in those made here.
  private static byte[] withoutTime(byte[] open) {
    byte[] header = Arrays.copyOf(open, PlainRecords.SEGMENT_HEADER_BYTES);
    CRC32C crc = new CRC32C();
    crc.update(header, 0, 60);
    if (PlainRecords.numbers(header).getInt(60) == (int) crc.getValue()
        && PlainRecords.numbers(header).getLong(32) == TwoSegments.OPEN) {
      Arrays.fill(header, 40, 60, (byte) 0);
      PlainRecords.numbers(header)
          .putInt(60, PlainRecords.numbers(TwoSegments.OPEN_RECORDS.header()).getInt(60));
    }
    return header;
  }

  /// Opened for reading and for writing, and once more: refused if and only if something durable does not
  /// verify; else exactly what was whole.
  private static void checkStrict(Map<String, byte[]> files, Replay replay) {
    for (boolean readOnly : new boolean[] {true, false}) {
      MemoryDirectory directory = new MemoryDirectory(files);
      for (int open = 0; open < (readOnly ? 1 : 2); open++) {
        try (KvStore store = Stores.open(directory, readOnly ? Stores.READING : Stores.STRICT)) {
          requireContents(store, replay);
          if (!readOnly && open == 0) {
            store.compact();
            requireContents(store, replay);
          }
        } catch (StoreCorruptionException e) {
          if (!replay.isDamaged()) {
            throw new AssertionError("refused, though nothing durable is damaged", e);
          }
          if (!Stores.same(files, withoutNotes(directory))) {
            throw new AssertionError("refused, and changed all the same", e);
          }
        }
      }
    }
  }

  private static Map<String, byte[]> withoutNotes(MemoryDirectory directory) {
    Map<String, byte[]> left = new TreeMap<>(directory.contents());
    left.remove("LOCK");
    left.remove("RECOVERY.json");
    return left;
  }

  private static void requireContents(KvStore store, Replay replay) {
    if (replay.isDamaged()) {
      throw new AssertionError("opened, though something durable is damaged");
    }
    Map<String, byte[]> found = Stores.contents(store);
    if (!Stores.same(found, replay.contents())) {
      throw new AssertionError(
          "holds " + Stores.text(found) + "but must hold " + Stores.text(replay.contents()));
    }
    if (store.size() != found.size() || store.lastSequence() != replay.lastSequence()) {
      throw new AssertionError(
          store.size()
              + " keys, sequence "
              + store.lastSequence()
              + ", not "
              + replay.lastSequence());
    }
  }

  private static void requireRefused(Map<String, byte[]> files) {
    try (KvStore store = Stores.open(new MemoryDirectory(files), Stores.READING)) {
      throw new AssertionError("opened with a segment that has no header: " + store.recovery());
    } catch (StoreException e) {
      if (e.getMessage().isBlank()) {
        throw new AssertionError("an exception without a message", e);
      }
    }
  }

  /// The rest that is served of a damaged store consists of values that records which verify gave to
  /// these keys; without damage it is all.
  private static void checkRest(Map<String, byte[]> files, Replay replay) {
    try (KvStore store = Stores.open(new MemoryDirectory(files), Stores.REST)) {
      Map<String, byte[]> found = Stores.contents(store);
      found.forEach((key, value) -> {
        if (!replay.wasWritten(key, value)) {
          throw new AssertionError("serves a value that no record has: " + key);
        }
        Stores.tries(() -> store.getValue(Stores.key(key)));
      });
      if (store.recovery().damages().isEmpty() && !Stores.same(found, replay.contents())) {
        throw new AssertionError(
            "serves "
                + Stores.text(found)
                + "without a word, not "
                + Stores.text(replay.contents()));
      }
    } catch (StoreException e) {
      if (e.getMessage().isBlank()) {
        throw new AssertionError("an exception without a message", e);
      }
    }
  }
}

package dev.kvstore.cli;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.fuzz.Bounds;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The formats of `import`: whatever a file holds, each line of it is an entry that a store accepts or a
/// bad one that is named; and what was read is written, in each format, so that it is read again, byte for
/// byte.
class ImportFuzzTest {
  private static final Bounds BOUNDS = new Bounds(16 << 20, 2000);

  @FuzzTest
  void jsonLines(byte[] input) {
    check(BulkFormat.JSONL, input);
  }

  @FuzzTest
  void csv(byte[] input) {
    check(BulkFormat.CSV, input);
  }

  @FuzzTest
  void tsv(byte[] input) {
    check(BulkFormat.TSV, input);
  }

  private static void check(BulkFormat format, byte[] input) {
    BOUNDS.hold(
        input.length,
        () -> {
          try {
            List<Entry> entries = read(format, input, true);
            read(format, input, false);
            for (BulkFormat other : BulkFormat.values()) {
              requireSame(entries, readGood(other, write(other, entries)), other);
            }
          } catch (IOException e) {
            throw new UncheckedIOException("there is nothing that could fail", e);
          }
        });
  }

  /// The entries of a file, bad lines passed over.
  private static List<Entry> read(BulkFormat format, byte[] file, boolean mayHaveHeader)
      throws IOException {
    EntryReader reader = format.reader(new ByteArrayInputStream(file), mayHaveHeader);
    List<Entry> entries = new ArrayList<>();
    long before = 0;
    // Each step but the last takes at least a byte.
    for (int step = 0; step <= file.length + 1; step++) {
      try {
        Entry entry = reader.next();
        if (entry == null) {
          return entries;
        }
        requireAcceptable(entry);
        entries.add(entry);
      } catch (BadLineException e) {
        if (!e.getMessage().matches("(?s)line [0-9]+: .+")) {
          throw new AssertionError("a bad line without number and reason: " + e.getMessage(), e);
        }
      }
      if (reader.bytesRead() < before || reader.bytesRead() > file.length) {
        throw new AssertionError("read " + reader.bytesRead() + " of " + file.length);
      }
      before = reader.bytesRead();
    }
    throw new AssertionError("does not end");
  }

  private static void requireAcceptable(Entry entry) {
    int keyBytes = entry.key().length;
    if (keyBytes < 1 || keyBytes > KvStore.KEY_BYTES_MAX) {
      throw new AssertionError("a key of " + keyBytes + " bytes");
    }
  }

  private static byte[] write(BulkFormat format, List<Entry> entries) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (EntryWriter writer = format.writer(out)) {
      for (Entry entry : entries) {
        writer.write(entry);
      }
    }
    return out.toByteArray();
  }

  private static List<Entry> readGood(BulkFormat format, byte[] file) throws IOException {
    EntryReader reader = format.reader(new ByteArrayInputStream(file), true);
    List<Entry> entries = new ArrayList<>();
    try {
      for (@Nullable Entry entry = reader.next(); entry != null; entry = reader.next()) {
        entries.add(entry);
      }
    } catch (BadLineException e) {
      throw new AssertionError("what was exported as " + format + " cannot be imported", e);
    }
    return entries;
  }

  private static void requireSame(List<Entry> expected, List<Entry> found, BulkFormat format) {
    if (expected.size() != found.size()) {
      throw new AssertionError(format + ": " + expected.size() + " became " + found.size());
    }
    for (int i = 0; i < expected.size(); i++) {
      Entry a = expected.get(i);
      Entry b = found.get(i);
      if (!Arrays.equals(a.key(), b.key())
          || a.value().encoding() != b.value().encoding()
          || !Arrays.equals(a.value().toBytes(), b.value().toBytes())) {
        throw new AssertionError(format + ": entry " + i + " came back as another");
      }
    }
  }
}

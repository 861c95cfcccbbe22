package dev.kvstore.fuzz;

import dev.kvstore.fuzz.PlainRecords.Plain;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What a store must hold that has these two segments and nothing else: one sealed, one open, as
/// `docs/format/segment.md` tells it.
final class Replay {
  /// Values by key as ISO 8859-1; what a strict open must serve, unless something is damaged.
  private final Map<String, byte[]> contents = new TreeMap<>();

  /// Every value that any record which verifies gives a key.
  private final Map<String, List<byte[]>> written = new HashMap<>();

  private boolean damaged;
  private long last;

  private Replay() {}

  /// @param sealed null if there is none
  static Replay of(
      PlainRecords sealedRecords, byte @Nullable [] sealed, PlainRecords openRecords, byte[] open) {
    Replay replay = new Replay();
    if (sealed != null) {
      replay.readSealed(sealedRecords, sealed);
    }
    replay.collect(openRecords, open);
    replay.readOpen(openRecords, open);
    return replay;
  }

  Map<String, byte[]> contents() {
    return contents;
  }

  /// Whether something that was durable does not verify.
  boolean isDamaged() {
    return damaged;
  }

  long lastSequence() {
    return last;
  }

  /// Whether some record that verifies gives a key this value.
  boolean wasWritten(String key, byte[] value) {
    return written.getOrDefault(key, List.of()).stream()
        .anyMatch(each -> Arrays.equals(each, value));
  }

  private void collect(PlainRecords records, byte[] file) {
    // At each word, and not only where a reader would come by: what verifies is a record.
    for (int at = PlainRecords.SEGMENT_HEADER_BYTES; at < file.length; at += 8) {
      Plain record = records.at(file, at);
      if (record != null && record.kind() == PlainRecords.PUT) {
        written.computeIfAbsent(name(record), k -> new ArrayList<>()).add(record.value());
      }
    }
  }

  private void readSealed(PlainRecords records, byte[] file) {
    collect(records, file);
    Map<String, Plain> newest = new TreeMap<>();
    int at = PlainRecords.SEGMENT_HEADER_BYTES;
    for (Plain record : records.from(file, at)) {
      damaged |= record.offset() != at;
      at = record.end();
      if (record.isEntry()) {
        last = Math.max(last, record.sequence());
        newest.merge(
            name(record), record, (old, next) -> next.sequence() > old.sequence() ? next : old);
      }
    }
    damaged |= at != file.length;
    newest.forEach((key, record) -> apply(record));
  }

  private void readOpen(PlainRecords records, byte[] file) {
    List<Plain> batch = new ArrayList<>();
    int whole = PlainRecords.SEGMENT_HEADER_BYTES;
    int at = whole;
    long expected = last + 1;
    while (true) {
      Plain record = records.at(file, at);
      boolean isNext =
          record != null && (record.isEntry() ? record.sequence() == expected : batch.isEmpty());
      if (record == null || !isNext) {
        break;
      }
      if (record.kind() == PlainRecords.SEAL) {
        return;
      }
      at = record.end();
      if (record.isEntry()) {
        expected++;
        batch.add(record);
        if (record.batchLeft() > 0) {
          continue;
        }
        batch.forEach(this::apply);
        last = record.sequence();
        batch.clear();
      }
      whole = at;
    }
    // Something else follows: damage if it tells that what is missing here was durable, else a
    // tail.
    if (isZero(file, whole)) {
      return;
    }
    for (Plain record : records.from(file, whole)) {
      damaged |= !record.isEntry() && record.sequence() > last;
    }
  }

  private static boolean isZero(byte[] file, int from) {
    for (int at = from; at < (file.length & -8); at++) {
      if (file[at] != 0) {
        return false;
      }
    }
    return true;
  }

  private void apply(Plain record) {
    if (record.kind() == PlainRecords.PUT) {
      contents.put(name(record), record.value());
    } else {
      contents.remove(name(record));
    }
  }

  private static String name(Plain record) {
    return new String(record.key(), StandardCharsets.ISO_8859_1);
  }
}

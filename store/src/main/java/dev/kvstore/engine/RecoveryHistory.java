package dev.kvstore.engine;

import dev.kvstore.RecoveryReport;
import dev.kvstore.StoreIoException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.FileFormat;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/// The file `RECOVERY.jsonl`: the receipts of the last opens that found more than a closed store, one
/// line of JSON each, oldest first. Opens that found nothing leave it alone, so that they cost nothing and
/// push nothing out.
///
/// The last field of a line is `checksum`: CRC-32C of the bytes before its comma, in hexadecimal. Lines
/// that do not verify, and whatever else may be in a file of that name, are dropped when it is replaced.
/// Forced before it gets its name, since it holds what the opens of before have told; its name is not: a
/// power loss may take the newest line, and then leaves the file of before.
final class RecoveryHistory {
  static final String NAME = "RECOVERY.jsonl";
  static final String NEXT_NAME = "RECOVERY.jsonl.tmp";

  private static final int RECEIPTS_MAX = 64;
  private static final int BYTES_MAX = 1 << 20;
  private static final String CHECKSUM = ",\"checksum\":\"";
  private static final int CHECKSUM_CHARS = CHECKSUM.length() + 8 + 2;

  private RecoveryHistory() {}

  /// Adds a receipt, and drops the oldest ones if there are too many.
  ///
  /// @throws StoreIoException the file is as it was, also if it could not be read
  static void add(Directory directory, RecoveryReport report) {
    List<String> lines = new ArrayList<>(read(directory));
    lines.add(line(report));
    int first = lines.size();
    long bytes = 0;
    while (first > 0
        && lines.size() - first < RECEIPTS_MAX
        && (first == lines.size() || bytes + lines.get(first - 1).length() < BYTES_MAX)) {
      first--;
      bytes += lines.get(first).length() + 1;
    }
    String text = String.join("\n", lines.subList(first, lines.size())) + "\n";
    RecoveryReceipt.replace(directory, NAME, NEXT_NAME, text, true);
  }

  /// The lines that verify; none without the file, or if it is too long to be one.
  static List<String> read(Directory directory) {
    if (!directory.list().contains(NAME)) {
      return List.of();
    }
    byte[] bytes;
    try (FileHandle file = directory.open(NAME, Access.READ)) {
      long size = file.size();
      if (size > 16L * BYTES_MAX) {
        return List.of();
      }
      bytes = new byte[(int) size];
      file.read(0, bytes, 0, bytes.length);
    }
    List<String> lines = new ArrayList<>();
    for (String line : new String(bytes, StandardCharsets.UTF_8).split("\n", -1)) {
      if (verifies(line)) {
        lines.add(line);
      }
    }
    return lines;
  }

  private static String line(RecoveryReport report) {
    String fields = "{" + RecoveryReceipt.toLine(report);
    return fields + CHECKSUM + checksum(fields) + "\"}";
  }

  private static boolean verifies(String line) {
    int end = line.length() - CHECKSUM_CHARS;
    return end > 0
        && line.startsWith(CHECKSUM, end)
        && line.endsWith(checksum(line.substring(0, end)) + "\"}");
  }

  private static String checksum(String fields) {
    byte[] bytes = fields.getBytes(StandardCharsets.UTF_8);
    MemorySegment memory = MemorySegment.ofArray(bytes);
    return HexFormat.of().toHexDigits(FileFormat.checksum(memory, 0, bytes.length));
  }
}

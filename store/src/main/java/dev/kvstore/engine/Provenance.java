package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.RecoveryReport.Dropped;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import dev.kvstore.segment.RecordFormat;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/// The file `SALVAGE.jsonl` beside a store that was salvaged: where each of its records comes from, and
/// what could not be had. One JSON object in each line, told apart by `type`:
///
/// - `salvage`, the first: `source`, `storeId`, `manifest`, `startedAtMillis`, `version`
/// - `record`: `keyHex`, `file`, `offset`, `bytes`, `sequence`, `timestampMillis`, `encoding`,
///   `valueBytes`, and `newSequence` in the new store
/// - `damage`: `file`, `offset`, `bytes`, `problem`, `keysHex`
/// - `dropped`: as in [dev.kvstore.RecoveryReport]
/// - `end`, the last: `keys`, `recordsRead`, `damages`, `dropped`; without it the file is not whole
///
/// Written as it comes, so that memory does not grow with the store.
final class Provenance implements AutoCloseable {
  static final String NAME = "SALVAGE.jsonl";

  private static final int BUFFER_BYTES = 64 << 10;

  private final FileHandle file; // owned
  private final ByteArrayOutputStream buffer = new ByteArrayOutputStream(BUFFER_BYTES + 4096);
  private long written;

  Provenance(Directory directory) {
    file = directory.create(NAME);
  }

  void begin(String source, String storeId, boolean manifest, long startedAtMillis) {
    line(
        "{\"type\": \"salvage\", \"source\": "
            + RecoveryReceipt.quoted(source)
            + ", \"storeId\": "
            + RecoveryReceipt.quoted(storeId)
            + ", \"manifest\": "
            + manifest
            + ", \"startedAtMillis\": "
            + startedAtMillis
            + ", \"version\": "
            + RecoveryReceipt.quoted(LibraryVersion.NUMBER)
            + "}");
  }

  /// @param name of the file that the record was found in
  /// @param encoding name of the encoding of the value
  void record(
      byte[] key, String name, MemorySegment log, long offset, String encoding, long newSequence) {
    line(
        "{\"type\": \"record\", \"keyHex\": \""
            + HexFormat.of().formatHex(key)
            + "\", \"file\": "
            + RecoveryReceipt.quoted(name)
            + ", \"offset\": "
            + offset
            + ", \"bytes\": "
            + RecordFormat.recordBytes(log, offset)
            + ", \"sequence\": "
            + RecordFormat.sequence(log, offset)
            + ", \"timestampMillis\": "
            + RecordFormat.timestampMillis(log, offset)
            + ", \"encoding\": \""
            + encoding
            + "\", \"valueBytes\": "
            + RecordFormat.valueSize(log, offset)
            + ", \"newSequence\": "
            + newSequence
            + "}");
  }

  void damage(Damage damage) {
    line("{\"type\": \"damage\", " + RecoveryReceipt.toJson(damage).substring(1));
  }

  void dropped(Dropped stretch) {
    line("{\"type\": \"dropped\", " + RecoveryReceipt.toJson(stretch).substring(1));
  }

  /// Ends the file; on return it is durable.
  void end(long keys, long recordsRead, int damages, int dropped) {
    line(
        "{\"type\": \"end\", \"keys\": "
            + keys
            + ", \"recordsRead\": "
            + recordsRead
            + ", \"damages\": "
            + damages
            + ", \"dropped\": "
            + dropped
            + "}");
    flush();
    file.force();
  }

  private void line(String json) {
    buffer.writeBytes(json.getBytes(StandardCharsets.UTF_8));
    buffer.write('\n');
    if (buffer.size() >= BUFFER_BYTES) {
      flush();
    }
  }

  private void flush() {
    byte[] bytes = buffer.toByteArray();
    file.write(written, MemorySegment.ofArray(bytes));
    written += bytes.length;
    buffer.reset();
  }

  @Override
  public void close() {
    file.close();
  }
}

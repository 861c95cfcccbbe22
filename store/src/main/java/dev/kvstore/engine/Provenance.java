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
        fields("salvage")
            .add("source", JsonFields.quoted(source))
            .add("storeId", JsonFields.quoted(storeId))
            .add("manifest", manifest)
            .add("startedAtMillis", startedAtMillis)
            .add("version", JsonFields.quoted(LibraryVersion.NUMBER))
            .object());
  }

  /// @param name of the file that the record was found in
  /// @param encoding name of the encoding of the value
  void record(
      byte[] key, String name, MemorySegment log, long offset, String encoding, long newSequence) {
    line(
        fields("record")
            .add("keyHex", JsonFields.quoted(HexFormat.of().formatHex(key)))
            .add("file", JsonFields.quoted(name))
            .add("offset", offset)
            .add("bytes", RecordFormat.recordBytes(log, offset))
            .add("sequence", RecordFormat.sequence(log, offset))
            .add("timestampMillis", RecordFormat.timestampMillis(log, offset))
            .add("encoding", JsonFields.quoted(encoding))
            .add("valueBytes", RecordFormat.valueSize(log, offset))
            .add("newSequence", newSequence)
            .object());
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
        fields("end")
            .add("keys", keys)
            .add("recordsRead", recordsRead)
            .add("damages", damages)
            .add("dropped", dropped)
            .object());
    flush();
    file.force();
  }

  private static JsonFields fields(String type) {
    return JsonFields.inLine().add("type", JsonFields.quoted(type));
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

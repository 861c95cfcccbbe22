package dev.kvstore;

import dev.kvstore.engine.Inspection;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Looks into a store that nobody has open, record by record, without changing a byte of it.
///
/// All methods throw [StoreLockedException] while the store is open for writing, and
/// [StoreStartupException] if there is no store in the directory.
public final class StoreInspector {
  private StoreInspector() {}

  /// Reads every file of the store and checks every checksum in it.
  ///
  /// Damage is in the report, not thrown; also that of the manifest, and of files that the system cannot
  /// read, or not as a whole. Of a segment that it cannot, what can be read is copied to memory.
  public static VerifyReport verify(Path directory, Progress progress) {
    return Inspection.verify(directory, progress);
  }

  /// What [#salvage] writes down beside the new store.
  public enum Provenance {
    /// A file `SALVAGE.jsonl` in the new store's directory: for each record the file, offset and sequence
    /// it comes from, and everything that was damaged or dropped; see docs/durability.md. Takes some 200
    /// bytes for each key. The store never reads it; it may be moved or removed.
    EACH_RECORD,
    /// Nothing.
    NONE
  }

  /// As [#salvage(Path, Path, Provenance, Progress)], with the provenance of each record.
  public static SalvageReport salvage(Path directory, Path target, Progress progress) {
    return salvage(directory, target, Provenance.EACH_RECORD, progress);
  }

  /// Copies the newest intact record of every key into a new store. Of a store without damage, also one
  /// whose process was killed, these are the keys, values and types that an open would show.
  ///
  /// Works also without a manifest, or with one older than the log; then a key that was deleted long ago
  /// may come back, which the report says, and what a crash had left unfinished counts. The new store
  /// appears in the target as a whole when it is complete: what fails or is killed on the way leaves
  /// nothing that opens.
  ///
  /// A file that the system cannot read is damage, and so are the blocks of a segment that it cannot; the rest
  /// of that is copied to memory and read there.
  ///
  /// @param directory stays as it is, to the byte and to the time of the last change
  /// @param target a directory that does not exist yet or is empty
  /// @throws StoreStartupException if the target is not empty, or is inside the damaged store
  /// @throws StoreIoException if the target has too little space, see [StoreIoException#isNoSpace]; what
  ///     was written there is removed
  public static SalvageReport salvage(
      Path directory, Path target, Provenance provenance, Progress progress) {
    return Inspection.salvage(directory, target, provenance == Provenance.EACH_RECORD, progress);
  }

  /// All records of all segments, in the order of segments and offsets, whether they live or not;
  /// lazily. Close the stream to release the store.
  ///
  /// @throws StoreIoException if a file cannot be read; also from the stream
  public static Stream<RecordInfo> records(Path directory) {
    return Inspection.records(directory);
  }

  /// The receipts that are kept in `RECOVERY.jsonl`, oldest first, each as one JSON object with the
  /// names of [RecoveryReport]: those of opens that found more than a closed store, the last 64 of them
  /// and 1 MiB at most. Lines that do not verify are left out; without the file there are none. Also
  /// while the store is open.
  ///
  /// @throws StoreIoException if the file cannot be read
  public static List<String> recoveryHistory(Path directory) {
    return Inspection.recoveryHistory(directory);
  }

  /// The raw bytes of one record, header and padding included.
  ///
  /// @param file name of the segment file, as in [RecordInfo#file]
  /// @param offset where the record begins, as in [RecordInfo#offset]
  /// @throws IllegalArgumentException if there is no such file or no record can be at that offset
  /// @throws StoreIoException if a file cannot be read
  public static byte[] recordBytes(Path directory, String file, long offset) {
    return Inspection.recordBytes(directory, file, offset);
  }
}

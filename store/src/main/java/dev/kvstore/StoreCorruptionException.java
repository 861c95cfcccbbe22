package dev.kvstore;

/// Bytes on the disk are not what was written. The message tells what still is good; nothing was
/// changed. [StoreInspector#salvage] copies every record that verifies into a new store.
public final class StoreCorruptionException extends StoreException {
  private static final long serialVersionUID = 1L;

  private final String file;
  private final long offset;
  private final String problem;

  /// @param file name of the file inside the store's directory
  /// @param offset where in the file the damage begins, in bytes
  /// @param problem what was found and what was expected
  public StoreCorruptionException(String file, long offset, String problem) {
    super(file + " @ " + offset + ": " + problem);
    this.file = file;
    this.offset = offset;
    this.problem = problem;
  }

  /// Name of the damaged file inside the store's directory.
  public String file() {
    return file;
  }

  /// Where in the file the damage begins, in bytes.
  public long offset() {
    return offset;
  }

  /// What was found and what was expected, without the place.
  public String problem() {
    return problem;
  }
}

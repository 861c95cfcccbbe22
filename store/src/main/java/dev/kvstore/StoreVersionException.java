package dev.kvstore;

/// A file has a format version that this release does not read. Nothing was touched.
public final class StoreVersionException extends StoreException {
  private static final long serialVersionUID = 1L;

  private final int found;
  private final int oldest;
  private final int newest;

  /// @param file name of the file inside the store's directory
  /// @param found version the file has
  /// @param oldest oldest version this release reads
  /// @param newest newest version this release reads
  public StoreVersionException(String file, int found, int oldest, int newest) {
    super(
        file
            + " has format version "
            + found
            + "; this release reads "
            + (oldest == newest ? "version " + newest : "versions " + oldest + " to " + newest)
            + ". "
            + (found > newest
                ? "Open it with the newer release that wrote it"
                : "Open it once with an older release that still upgrades it"));
    this.found = found;
    this.oldest = oldest;
    this.newest = newest;
  }

  /// The version the file has.
  public int found() {
    return found;
  }

  /// The oldest version that this release reads.
  public int oldest() {
    return oldest;
  }

  /// The newest version that this release reads.
  public int newest() {
    return newest;
  }
}

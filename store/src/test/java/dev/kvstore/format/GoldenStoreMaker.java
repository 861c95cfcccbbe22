package dev.kvstore.format;

import java.nio.file.Path;

/// Main class that makes the golden files of the format version that is current. Run it once for each
/// version, before its release; see the README beside the files.
final class GoldenStoreMaker {
  private GoldenStoreMaker() {}

  public static void main(String[] arguments) {
    Path directory = Path.of(arguments[0]);
    Path work = Path.of(arguments[1]);
    StoreFiles.write(work);
    StoreFiles.put(directory, StoreFiles.read(work));
  }
}

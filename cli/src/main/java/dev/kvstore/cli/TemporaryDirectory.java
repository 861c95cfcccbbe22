package dev.kvstore.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A directory that is gone, with all that is in it, when it is closed.
final class TemporaryDirectory implements AutoCloseable {
  private final Path path;

  /// @param parent where it is made; null: where the system has such things
  TemporaryDirectory(@Nullable Path parent) throws IOException {
    path =
        parent == null
            ? Files.createTempDirectory("kvstore-")
            : Files.createTempDirectory(Files.createDirectories(parent), ".kvstore-");
  }

  Path path() {
    return path;
  }

  @Override
  public void close() {
    delete();
  }

  /// Deletes it; nothing if it is gone already.
  void delete() {
    try (Stream<Path> all = Files.walk(path)) {
      List<Path> deepestFirst = all.sorted(Comparator.reverseOrder()).toList();
      for (Path file : deepestFirst) {
        Files.deleteIfExists(file);
      }
    } catch (NoSuchFileException e) {
      // Somebody else was faster.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

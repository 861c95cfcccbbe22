package dev.kvstore.torture;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Where a run has its store and its ledger: a directory `torture-SEED` of its own, in one that holds
/// nothing but such directories.
///
/// What was there before is never changed; what a run made, it removes, unless it is needed as evidence.
public final class RunDirectory {
  /// A directory in which no run may take place.
  public static final class ForeignException extends IOException {
    private static final long serialVersionUID = 1L;

    ForeignException(String message) {
      super(message);
    }
  }

  private static final Pattern RUN = Pattern.compile("torture--?[0-9]+(\\.[0-9]+)?");
  private static final String ABOUT = "ABOUT.txt";
  private static final int NAMED_MAX = 5;

  private final Path path;
  private final List<Path> parentsMade;
  private final List<String> earlier;

  private RunDirectory(Path path, List<Path> parentsMade, List<String> earlier) {
    this.path = path;
    this.parentsMade = parentsMade;
    this.earlier = earlier;
  }

  /// Makes the directory of a run, and those above it where they are missing.
  ///
  /// @throws ForeignException if anything but runs is there
  public static RunDirectory make(Path parent, long seed) throws IOException {
    List<String> earlier = requireOnlyRuns(parent);
    List<Path> made = missing(parent);
    Files.createDirectories(parent);
    Path path = parent.resolve("torture-" + seed);
    for (int again = 2; Files.exists(path); again++) {
      path = parent.resolve("torture-" + seed + "." + again);
    }
    Files.createDirectory(path);
    RunDirectory directory = new RunDirectory(path, made, earlier);
    try {
      directory.about("Made by a run of kvstore torture; may be removed when that has ended.");
    } catch (IOException e) {
      directory.remove();
      throw e;
    }
    return directory;
  }

  private static List<String> requireOnlyRuns(Path parent) throws IOException {
    List<String> runs = new ArrayList<>();
    List<String> others = new ArrayList<>();
    if (!Files.exists(parent)) {
      return runs;
    }
    if (!Files.isDirectory(parent)) {
      throw new NotDirectoryException(parent.toString());
    }
    try (Stream<Path> files = Files.list(parent)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        boolean isRun = RUN.matcher(name).matches() && Files.exists(file.resolve(ABOUT));
        (isRun ? runs : others).add(name);
      }
    }
    if (others.contains("MANIFEST")) {
      throw new ForeignException(
          parent + " is a store; nothing is tortured where data is: name an empty directory");
    }
    if (!others.isEmpty()) {
      throw new ForeignException(
          parent
              + " holds "
              + String.join(", ", others.subList(0, Math.min(NAMED_MAX, others.size())))
              + (others.size() > NAMED_MAX ? " and more" : "")
              + ", which no torture made; name an empty directory");
    }
    return runs;
  }

  private static List<Path> missing(Path parent) {
    List<Path> missing = new ArrayList<>();
    for (Path path = parent.toAbsolutePath();
        path != null && !Files.exists(path);
        path = path.getParent()) {
      missing.add(path);
    }
    return missing;
  }

  public Path path() {
    return path;
  }

  public Path store() {
    return path.resolve("store");
  }

  /// Names of what earlier runs have left beside it.
  public List<String> earlier() {
    return List.copyOf(earlier);
  }

  /// Leaves a text for whoever looks into it later.
  public void about(String text) throws IOException {
    Files.writeString(path.resolve(ABOUT), text + "\n", StandardCharsets.UTF_8);
  }

  /// Removes it, and those above it that were made for it and are empty.
  public void remove() throws IOException {
    Files.walkFileTree(
        path,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path left, @Nullable IOException problem)
              throws IOException {
            Files.delete(left);
            return FileVisitResult.CONTINUE;
          }
        });
    for (Path made : parentsMade) {
      try (Stream<Path> files = Files.list(made)) {
        if (files.findAny().isPresent()) {
          return;
        }
      }
      Files.delete(made);
    }
  }
}

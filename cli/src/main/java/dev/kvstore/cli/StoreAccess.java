package dev.kvstore.cli;

import dev.kvstore.Durability;
import dev.kvstore.KvStore;
import dev.kvstore.Options;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// How verbs reach the store.
///
/// - One command: opened for what the verb needs, closed when it is done. What is closed is
///   durable.
/// - A shell: opened when the first verb needs it, kept until the shell ends or a verb wants the
///   files for itself.
final class StoreAccess implements AutoCloseable {
  /// What is done with an open store.
  interface Work<R> {
    R with(KvStore store) throws IOException;
  }

  private final @Nullable Path shellDirectory;
  private final Options shellOptions;
  private @Nullable KvStore kept;

  private StoreAccess(@Nullable Path shellDirectory, Options shellOptions) {
    this.shellDirectory = shellDirectory;
    this.shellOptions = shellOptions;
  }

  static StoreAccess oneShot() {
    return new StoreAccess(null, Options.defaults());
  }

  static StoreAccess ofShell(Path directory, Options options, boolean readOnly) {
    return new StoreAccess(directory, options.toBuilder().readOnly(readOnly).build());
  }

  /// The directory that a shell works on; null outside of shells.
  @Nullable Path directory() {
    return shellDirectory;
  }

  /// What writes wait for where a command does not say.
  Durability durability() {
    return shellOptions.durability();
  }

  boolean isShell() {
    return shellDirectory != null;
  }

  <R> R reading(Kvstore command, Work<R> work, Supplier<R> ifAbsent) throws IOException {
    if (kept == null && isAbsent(command.directory())) {
      return ifAbsent.get();
    }
    return with(command, true, work);
  }

  <R> R changing(Kvstore command, Work<R> work, Supplier<R> ifAbsent) throws IOException {
    if (kept == null && isAbsent(command.directory())) {
      return ifAbsent.get();
    }
    return with(command, false, work);
  }

  <R> R writing(Kvstore command, Work<R> work) throws IOException {
    return with(command, false, work);
  }

  private <R> R with(Kvstore command, boolean reads, Work<R> work) throws IOException {
    Path directory = command.directory();
    Options options = command.options();
    if (!isShell()) {
      Options asNeeded = reads ? options.toBuilder().readOnly(true).build() : options;
      try (KvStore store = KvStore.open(directory, asNeeded)) {
        return work.with(store);
      }
    }
    KvStore store = kept;
    if (store == null) {
      store = KvStore.open(directory, shellOptions);
      kept = store;
    }
    boolean otherDurability = !reads && !options.durability().equals(store.options().durability());
    return work.with(otherDurability ? store.withDurability(options.durability()) : store);
  }

  /// Closes what a shell keeps open; the next verb opens it again.
  void release() {
    KvStore store = kept;
    kept = null;
    if (store != null) {
      store.close();
    }
  }

  @Override
  public void close() {
    release();
  }

  /// Whether there is no store and nothing in the way of one: no directory, or one that is empty but
  /// for the lock of a creation that did not come to its end. Anything else is for the store to judge.
  static boolean isAbsent(Path directory) {
    try {
      if (!Files.readAttributes(directory, BasicFileAttributes.class).isDirectory()) {
        return false;
      }
      try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
        for (Path file : files) {
          if (!file.endsWith("LOCK")) {
            return false;
          }
        }
        return true;
      }
    } catch (NoSuchFileException e) {
      return isFree(directory.toAbsolutePath().getParent());
    } catch (IOException e) {
      return false;
    }
  }

  /// Whether what exists of a path is a directory, so that the rest could be made in it.
  private static boolean isFree(@Nullable Path parent) {
    for (Path path = parent; path != null; path = path.getParent()) {
      if (Files.exists(path)) {
        return Files.isDirectory(path);
      }
    }
    return true;
  }
}

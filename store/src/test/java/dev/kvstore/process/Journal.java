package dev.kvstore.process;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What one thread of a writer is about to do, and what was acknowledged, a line each; survives the
/// process, since each line is handed to the operating system at once.
///
/// ```
/// I 17 0:k3=250 0:k9=-      write 17 sets k3 to 250 bytes and removes k9
/// A                         it was acknowledged
/// ```
final class Journal implements AutoCloseable {
  private static final int REMOVED = -1;

  private final FileOutputStream file;

  private Journal(FileOutputStream file) {
    this.file = file;
  }

  static Journal create(Path path) throws IOException {
    return new Journal(new FileOutputStream(path.toFile()));
  }

  void intend(long number, Map<String, Integer> sizes) throws IOException {
    StringBuilder line = new StringBuilder("I ").append(number);
    sizes.forEach((key, size) -> line.append(' ').append(key).append('=').append(size));
    say(line.append('\n').toString());
  }

  void acknowledged() throws IOException {
    say("A\n");
  }

  private void say(String line) throws IOException {
    file.write(line.getBytes(StandardCharsets.US_ASCII)); // one call of the operating system
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  // ---- The changes

  /// A map for [#intend]: sizes of values by key.
  static Map<String, Integer> changes() {
    return new LinkedHashMap<>();
  }

  static void remove(Map<String, Integer> changes, String key) {
    changes.put(key, REMOVED);
  }

  static boolean isRemoval(int size) {
    return size == REMOVED;
  }

  /// The value that a write gives to a key: says which write it was, and has no byte that another
  /// write of that length has at the same place.
  static byte[] value(long number, String key, int size) {
    byte[] head = (number + ":" + key + ":").getBytes(StandardCharsets.US_ASCII);
    byte[] value = Arrays.copyOf(head, head.length + size);
    Arrays.fill(value, head.length, value.length, (byte) ('a' + number % 26));
    return value;
  }

  // ---- Reading, after the writer's end

  /// What a thread did.
  ///
  /// @param acknowledged values by key, null for a removed one, in the order of the writes
  /// @param pending what it was about to do and never heard of
  record Done(
      List<Map<String, Optional<byte[]>>> acknowledged,
      Optional<Map<String, Optional<byte[]>>> pending) {}

  static Done read(Path path) {
    String text;
    try {
      text = Files.exists(path) ? Files.readString(path, StandardCharsets.US_ASCII) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<Map<String, Optional<byte[]>>> acknowledged = new ArrayList<>();
    Map<String, Optional<byte[]>> pending = null;
    // Without its line feed the last line was not written whole; then the write had not begun.
    for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
      if (line.equals("A")) {
        acknowledged.add(pending);
        pending = null;
      } else {
        pending = parse(line);
      }
    }
    return new Done(acknowledged, Optional.ofNullable(pending));
  }

  private static Map<String, Optional<byte[]>> parse(String line) {
    String[] words = line.split(" ");
    long number = Long.parseLong(words[1]);
    Map<String, Optional<byte[]>> changes = new LinkedHashMap<>();
    for (String word : Arrays.asList(words).subList(2, words.length)) {
      int equals = word.indexOf('=');
      String key = word.substring(0, equals);
      int size = Integer.parseInt(word.substring(equals + 1));
      changes.put(key, isRemoval(size) ? Optional.empty() : Optional.of(value(number, key, size)));
    }
    return changes;
  }
}

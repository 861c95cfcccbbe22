package dev.kvstore.cli;

import dev.kvstore.KvStore;
import dev.kvstore.Value;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// The arguments KEY and VALUE of verbs that store one. VALUE is the value itself, `-` for standard
/// input, or `@FILE`.
///
/// What comes from a stream or file is taken byte for byte, the line break at its end included,
/// unless a number is asked for.
final class KeyAndValue {
  @Parameters(index = "0", paramLabel = "KEY", description = "The key; 1 to 65535 bytes.")
  private String key = "";

  @Parameters(
      index = "1",
      paramLabel = "VALUE",
      description = "The value; '-' reads it from standard input, '@FILE' from a file.")
  private String value = "";

  @Option(
      names = "--literal",
      description = "VALUE is the value even if it is '-' or begins with '@'.")
  private boolean literal;

  KeyAndValue() {}

  KeyAndValue(String key, String value) {
    this.key = key;
    this.value = value;
  }

  /// The key, checked.
  byte[] key(Notation notation) {
    return notation.key(key);
  }

  /// The value, read and checked.
  ///
  /// @param type what it is to be; null: text if it is text, else bytes
  Value value(Notation notation, @Nullable ValueType type, Kvstore command) throws IOException {
    boolean fromStream = !literal && (value.equals("-") || value.startsWith("@"));
    byte[] bytes = fromStream ? readStream(command) : notation.bytes(value, "value");
    if (bytes.length > KvStore.VALUE_BYTES_MAX) {
      throw tooLarge();
    }
    if (type == null) {
      boolean isText = notation.isText() && Utf8Text.isText(bytes, 0, bytes.length);
      return (isText ? ValueType.STRING : ValueType.BYTES).parse(bytes);
    }
    boolean isNumber = type == ValueType.INT || type == ValueType.FLOAT;
    return type.parse(fromStream && isNumber ? stripped(bytes) : bytes);
  }

  private byte[] readStream(Kvstore command) throws IOException {
    if (value.equals("-")) {
      if (command.access().isShell()) {
        throw new BadInputException("inside a shell standard input is not free; use '@FILE'");
      }
      return readAll(command.streams().in());
    }
    Path file = Path.of(value.substring(1));
    if (Files.isDirectory(file)) {
      throw new BadInputException(file + " is a directory, not a file");
    }
    try (InputStream in = Files.newInputStream(file)) {
      if (Files.isRegularFile(file) && Files.size(file) > KvStore.VALUE_BYTES_MAX) {
        throw tooLarge();
      }
      return readAll(in);
    } catch (IOException e) {
      throw new BadInputException("cannot read the value: " + Failures.ofFile(e), e);
    }
  }

  private static byte[] readAll(InputStream in) throws IOException {
    return in.readNBytes(KvStore.VALUE_BYTES_MAX + 1);
  }

  private static BadInputException tooLarge() {
    return new BadInputException(
        "the value is too large; the limit is " + KvStore.VALUE_BYTES_MAX + " bytes (1 GiB)");
  }

  private static byte[] stripped(byte[] bytes) {
    int end = bytes.length;
    while (end > 0 && (bytes[end - 1] == '\n' || bytes[end - 1] == '\r' || bytes[end - 1] == ' ')) {
      end--;
    }
    return Arrays.copyOf(bytes, end);
  }
}

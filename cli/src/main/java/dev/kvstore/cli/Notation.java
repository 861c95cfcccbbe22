package dev.kvstore.cli;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import picocli.CommandLine.Option;

/// How bytes are written as arguments and results: as text, or in hexadecimal, or in Base64.
///
/// As text, results are the exact bytes, also where they are no text.
final class Notation {
  @Option(names = "--hex", description = "Keys and values are hexadecimal, read and printed.")
  private boolean hex;

  @Option(names = "--base64", description = "Keys and values are Base64, read and printed.")
  private boolean base64;

  /// Whether bytes are written as themselves.
  boolean isText() {
    check();
    return !hex && !base64;
  }

  /// The key that an argument means.
  byte[] key(String argument) {
    return Verb.requireKey(bytes(argument, "key"));
  }

  /// The bytes that an argument means.
  ///
  /// @param what names the argument in messages
  byte[] bytes(String argument, String what) {
    check();
    try {
      if (hex) {
        return HexFormat.of().parseHex(argument);
      }
      if (base64) {
        return Base64.getDecoder().decode(argument);
      }
    } catch (IllegalArgumentException e) {
      throw new BadInputException(
          "the " + what + " is not " + (hex ? "hexadecimal" : "Base64") + ": " + e.getMessage(), e);
    }
    return Utf8Text.encode(argument, what);
  }

  /// The bytes as they are printed.
  byte[] print(byte[] bytes) {
    return isText() ? bytes : encoded(bytes).getBytes(StandardCharsets.US_ASCII);
  }

  /// The bytes as one line of a list for people.
  String line(byte[] bytes) {
    return isText() ? Escapes.line(bytes) : encoded(bytes);
  }

  private String encoded(byte[] bytes) {
    return hex ? HexFormat.of().formatHex(bytes) : Base64.getEncoder().encodeToString(bytes);
  }

  private void check() {
    if (hex && base64) {
      throw new BadInputException("--hex and --base64 exclude each other");
    }
  }
}

package dev.kvstore.cli;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// UTF-8 without replacement: what is not text is said to be none, never mended.
final class Utf8Text {
  private Utf8Text() {}

  /// The bytes of a text.
  ///
  /// @param what names the text in the message
  /// @throws BadInputException if it holds half a surrogate pair
  static byte[] encode(String text, String what) {
    try {
      ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] exact = new byte[bytes.remaining()];
      bytes.get(exact);
      return exact;
    } catch (CharacterCodingException e) {
      throw new BadInputException(
          "the " + what + " holds half a surrogate pair, which is no text", e);
    }
  }

  /// The text of these bytes; null if they are none.
  static @Nullable String decode(byte[] bytes) {
    return isText(bytes, 0, bytes.length) ? new String(bytes, StandardCharsets.UTF_8) : null;
  }

  /// Whether these bytes are text. Takes no memory to speak of.
  static boolean isText(byte[] bytes, int from, int to) {
    int plain = from;
    while (plain < to && bytes[plain] >= 0) {
      plain++;
    }
    if (plain == to) {
      return true;
    }
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(bytes, plain, to - plain);
    CharBuffer out = CharBuffer.allocate(Math.min(to - plain, 8 << 10));
    while (true) {
      CoderResult result = decoder.decode(in, out, true);
      if (result.isError()) {
        return false;
      }
      if (result.isUnderflow()) {
        return true;
      }
      out.clear();
    }
  }
}

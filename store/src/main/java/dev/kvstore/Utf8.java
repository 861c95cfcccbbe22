package dev.kvstore;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/// Strict UTF-8: what cannot be expressed is refused, never replaced by a question mark, because two
/// different strings must not become one key.
final class Utf8 {
  private Utf8() {}

  static byte[] encode(String text, String what) {
    try {
      ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] bytes = new byte[encoded.remaining()];
      encoded.get(bytes);
      return bytes;
    } catch (CharacterCodingException e) {
      throw new StoreEncodingException(
          "the " + what + " holds an unpaired surrogate and has no UTF-8 form; store bytes instead",
          e);
    }
  }

  static String decode(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new StoreEncodingException(
          "these " + bytes.length + " bytes are not UTF-8 text; read them as bytes instead", e);
    }
  }
}

package dev.kvstore.codec;

import dev.kvstore.Encoding;
import dev.kvstore.KeyCodec;
import dev.kvstore.StoreEncodingException;
import dev.kvstore.Value;
import java.nio.ByteBuffer;
import java.util.UUID;

/// Codecs for keys. Compared as unsigned bytes, the encoded keys sort as the keys themselves do.
public final class Keys {
  private static final KeyCodec<byte[]> BYTES =
      new KeyCodec<>() {
        @Override
        public byte[] encode(byte[] key) {
          return key;
        }

        @Override
        public byte[] decode(byte[] bytes) {
          return bytes;
        }
      };

  private static final KeyCodec<String> TEXT =
      new KeyCodec<>() {
        @Override
        public byte[] encode(String key) {
          return Value.of(key).toBytes();
        }

        @Override
        public String decode(byte[] bytes) {
          return ((Value.Text) Value.decode(Encoding.STRING, bytes)).text();
        }
      };

  private static final KeyCodec<Long> INT64 =
      new KeyCodec<>() {
        @Override
        public byte[] encode(Long key) {
          return ByteBuffer.allocate(Long.BYTES).putLong(key ^ Long.MIN_VALUE).array();
        }

        @Override
        public Long decode(byte[] bytes) {
          return requireLength(bytes, Long.BYTES, "64-bit integer").getLong() ^ Long.MIN_VALUE;
        }
      };

  private static final KeyCodec<UUID> UUIDS =
      new KeyCodec<>() {
        @Override
        public byte[] encode(UUID key) {
          return ByteBuffer.allocate(2 * Long.BYTES)
              .putLong(key.getMostSignificantBits())
              .putLong(key.getLeastSignificantBits())
              .array();
        }

        @Override
        public UUID decode(byte[] bytes) {
          ByteBuffer buffer = requireLength(bytes, 2 * Long.BYTES, "UUID");
          return new UUID(buffer.getLong(), buffer.getLong());
        }
      };

  private Keys() {}

  /// The bytes themselves; not copied.
  public static KeyCodec<byte[]> bytes() {
    return BYTES;
  }

  /// UTF-8, which sorts by code point.
  public static KeyCodec<String> text() {
    return TEXT;
  }

  /// Signed integers: 8 bytes, big-endian, sign bit flipped.
  public static KeyCodec<Long> int64() {
    return INT64;
  }

  /// 16 bytes, big-endian; sorts as the hexadecimal text does.
  public static KeyCodec<UUID> uuid() {
    return UUIDS;
  }

  private static ByteBuffer requireLength(byte[] bytes, int length, String what) {
    if (bytes.length != length) {
      throw new StoreEncodingException(
          "a " + what + " key has " + length + " bytes, this one has " + bytes.length);
    }
    return ByteBuffer.wrap(bytes);
  }
}

package dev.kvstore.torture;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Keys and values of the writers. A value tells which write of which key it was, and each of its bytes
/// depends on that, so that a value of another write, or a mix of two, is seen.
///
/// ```
/// offset size
///      0    8 number of the write, little-endian
///      8    4 thread
///     12    4 key
///     16      bytes that follow from these
/// ```
final class Content {
  /// Bytes of a value besides its size.
  static final int HEAD_BYTES = 16;

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Content() {}

  static byte[] key(int thread, int key) {
    return name(thread, key).getBytes(StandardCharsets.US_ASCII);
  }

  static String name(int thread, int key) {
    return "t" + thread + "-k" + key;
  }

  /// @param size bytes behind the head
  static byte[] value(long number, int thread, int key, int size) {
    byte[] value = new byte[HEAD_BYTES + size];
    MemorySegment memory = MemorySegment.ofArray(value);
    memory.set(LONG, 0, number);
    memory.set(INT, 8, thread);
    memory.set(INT, 12, key);
    long word = mix(number * 0x9E3779B97F4A7C15L + ((long) thread << 32 | key));
    int at = HEAD_BYTES;
    for (; at + Long.BYTES <= value.length; at += Long.BYTES) {
      memory.set(LONG, at, word);
      word = mix(word + 0x9E3779B97F4A7C15L);
    }
    for (; at < value.length; at++) {
      value[at] = (byte) word;
      word >>>= 8;
    }
    return value;
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /// What a value is, in words.
  static String describe(byte @Nullable [] found) {
    if (found == null) {
      return "nothing";
    }
    if (found.length < HEAD_BYTES) {
      return found.length + " bytes of no write";
    }
    MemorySegment memory = MemorySegment.ofArray(found);
    long number = memory.get(LONG, 0);
    int thread = memory.get(INT, 8);
    int key = memory.get(INT, 12);
    int size = found.length - HEAD_BYTES;
    boolean whole = Arrays.equals(found, value(number, thread, key, size));
    return (whole ? "" : "bytes that begin like ")
        + "write "
        + number
        + " of "
        + name(thread, key)
        + " ("
        + size
        + " bytes)";
  }
}

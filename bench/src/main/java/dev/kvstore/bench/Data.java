package dev.kvstore.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/// The keys and values of a run. Both follow from a number, so every value can be checked and none
/// has to be kept. Keys come in random order, values do not compress: their words are a Weyl sequence
/// that begins with a well mixed number.
///
/// @param keys how many there are
/// @param keyBytes a multiple of 8
/// @param valueBytes 8 or more
record Data(long keys, int keyBytes, int valueBytes) {
  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long STRIDE = 0x9E37_79B9_7F4A_7C15L;
  private static final long STRIDE_INVERSE = 0xF1DE_83E1_9937_733DL;

  Data {
    if (keys < 1 || keyBytes < 8 || keyBytes % 8 != 0 || valueBytes < 8) {
      throw new IllegalArgumentException("keys of 8, 16, 24 ... bytes, values of 8 or more");
    }
  }

  /// Bytes of all keys and values.
  long bytes() {
    return keys * (keyBytes + valueBytes);
  }

  byte[] key(long number) {
    byte[] key = new byte[keyBytes];
    fillKey(number, key);
    return key;
  }

  /// Writes the key of a number. Different numbers have different first words.
  void fillKey(long number, byte[] key) {
    long word = mix(number);
    for (int at = 0; at < key.length; at += Long.BYTES) {
      WORD.set(key, at, word);
      word = word * STRIDE + 1;
    }
  }

  byte[] value(long number, int version) {
    byte[] value = new byte[valueBytes];
    fillValue(number, version, value);
    return value;
  }

  void fillValue(long number, int version, byte[] value) {
    long seed = mix(number + version * STRIDE);
    int at = 0;
    for (; at <= value.length - Long.BYTES; at += Long.BYTES) {
      WORD.set(value, at, seed + at * STRIDE);
    }
    for (; at < value.length; at++) {
      value[at] = (byte) (seed >>> at);
    }
  }

  /// Compares all bytes.
  void check(long number, int version, byte @Nullable [] found) {
    if (found == null || found.length != valueBytes) {
      throw new AssertionError(
          "key " + number + ": " + (found == null ? "absent" : "wrong length"));
    }
    long seed = mix(number + version * STRIDE);
    long wrong = 0;
    int at = 0;
    for (; at <= found.length - Long.BYTES; at += Long.BYTES) {
      wrong |= (long) WORD.get(found, at) ^ (seed + at * STRIDE);
    }
    for (; at < found.length; at++) {
      wrong |= found[at] ^ (byte) (seed >>> at);
    }
    if (wrong != 0) {
      throw new AssertionError("key " + number + ": not the value that was put");
    }
  }

  /// Which version of a number's value this is; all bytes are compared.
  int version(long number, byte @Nullable [] found) {
    if (found == null || found.length < Long.BYTES) {
      check(number, 0, found);
      throw new AssertionError();
    }
    long seed = (long) WORD.get(found, 0);
    long version = (unmix(seed) - number) * STRIDE_INVERSE;
    if (version < 0 || version > Integer.MAX_VALUE) {
      throw new AssertionError("key " + number + ": not a value of it");
    }
    check(number, (int) version, found);
    return (int) version;
  }

  /// A number below `keys`, evenly spread; the same for the same turn.
  long pick(long turn) {
    return Math.unsignedMultiplyHigh(mix(turn ^ STRIDE), keys);
  }

  /// One to one, and well mixed (the finalizer of SplitMix64).
  static long mix(long number) {
    long mixed = number + STRIDE;
    mixed = (mixed ^ (mixed >>> 30)) * 0xBF58_476D_1CE4_E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D0_49BB_1331_11EBL;
    return mixed ^ (mixed >>> 31);
  }

  /// The inverse of [#mix].
  static long unmix(long mixed) {
    long number = unshift(mixed, 31) * 0x3196_42B2_D24D_8EC3L;
    number = unshift(number, 27) * 0x96DE_1B17_3F11_9089L;
    return unshift(number, 30) - STRIDE;
  }

  private static long unshift(long shifted, int by) {
    return shifted ^ (shifted >>> by) ^ (shifted >>> (2 * by));
  }
}

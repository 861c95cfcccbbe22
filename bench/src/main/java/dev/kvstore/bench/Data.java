package dev.kvstore.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/// The keys and values of a run. Both follow from a number, so every value can be checked and none
/// has to be kept. Keys come in random order, values do not compress.
///
/// @param keys how many there are
/// @param keyBytes a multiple of 8
/// @param valueBytes 8 or more
record Data(long keys, int keyBytes, int valueBytes) {
  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long STRIDE = 0x9E37_79B9_7F4A_7C15L;

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
      WORD.set(value, at, mix(seed + at));
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
      wrong |= (long) WORD.get(found, at) ^ mix(seed + at);
    }
    for (; at < found.length; at++) {
      wrong |= found[at] ^ (byte) (seed >>> at);
    }
    if (wrong != 0) {
      throw new AssertionError("key " + number + ": not the value that was put");
    }
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
}

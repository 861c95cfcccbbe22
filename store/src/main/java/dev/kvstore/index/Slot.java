package dev.kvstore.index;

/// The word of one entry. Zero is an empty slot, which no entry can be: address 0 is not used.
///
///  bits   field
///  63..40 window   24 bits of the hash: they decide the home bucket and tell most other keys apart
///  39..0  address  opaque
///
/// The word alone says where its entry belongs, so tables grow and shrink without reading a key.
final class Slot {
  static final int ADDRESS_BITS = 40;
  static final int WINDOW_BITS = 24;
  static final long WINDOWS = 1L << WINDOW_BITS;
  static final long WINDOW_MASK = WINDOWS - 1;
  static final long EMPTY = 0;

  private static final long ADDRESS_MASK = (1L << ADDRESS_BITS) - 1;

  private Slot() {}

  static long word(long window, long address) {
    return (window << ADDRESS_BITS) | address;
  }

  static long window(long word) {
    return word >>> ADDRESS_BITS;
  }

  static long address(long word) {
    return word & ADDRESS_MASK;
  }
}

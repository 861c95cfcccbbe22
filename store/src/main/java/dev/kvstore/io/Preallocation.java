package dev.kvstore.io;

/// What the blocks that [FileHandle#fillZero] makes are going to be used for.
///
/// Linux makes the folios of the page cache as large as the write that creates them, and a store
/// through a mapping dirties, and a later force writes, a whole folio.
public enum Preallocation {
  /// Small writes that are forced every few: zeros in pieces of 16 KiB, so that a force writes little.
  FORCED_OFTEN(16 << 10),

  /// Writes that are forced by the megabyte, if at all: zeros in pieces of 2 MiB, which are mapped by one
  /// page fault and one entry of the processor's TLB each.
  FORCED_RARELY(2 << 20);

  private final int pieceBytes;

  Preallocation(int pieceBytes) {
    this.pieceBytes = pieceBytes;
  }

  /// Zeros that are written at once.
  int pieceBytes() {
    return pieceBytes;
  }
}

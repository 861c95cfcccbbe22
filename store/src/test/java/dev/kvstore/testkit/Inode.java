package dev.kvstore.testkit;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/// What the disk has of one file, as against what the system has of it in memory.
///
/// Not safe for threads.
final class Inode {
  static final int PAGE_BYTES = 4096;

  /// What survives power loss.
  private byte[] durable;

  /// Pages that a failed force has dropped: the system believes them to be on the disk as long as they
  /// stay as they are.
  private final Map<Integer, byte[]> dropped = new TreeMap<>();

  /// Content as of the time when it lost its name; for the case that the loss is not durable.
  private byte[] unlinked = {};

  private boolean linked = true;

  Inode(byte[] durable) {
    this.durable = durable;
  }

  Inode(Inode other) {
    durable = other.durable;
    dropped.putAll(other.dropped);
    unlinked = other.unlinked;
    linked = other.linked;
  }

  byte[] durable() {
    return durable;
  }

  void unlink(byte[] live) {
    linked = false;
    unlinked = live;
  }

  boolean isLinked() {
    return linked;
  }

  byte[] unlinked() {
    return unlinked;
  }

  /// A force that succeeds, as far as anybody can tell.
  void force(byte[] live) {
    durable = reachable(live);
    dropped.keySet().removeIf(page -> !isStillDropped(page, live));
  }

  /// The same of the pages that a range touches; others stay as they are on the disk.
  void force(byte[] live, long from, long to) {
    byte[] now = reachable(live);
    int first = (int) (from / PAGE_BYTES);
    int end = (int) ((to + PAGE_BYTES - 1) / PAGE_BYTES);
    byte[] next =
        Arrays.copyOf(durable, Math.max(durable.length, Math.min(now.length, end * PAGE_BYTES)));
    for (int page = first; page < end; page++) {
      copyPiece(now, next, page, PAGE_BYTES);
    }
    durable = next;
    dropped.keySet().removeIf(page -> !isStillDropped(page, live));
  }

  /// Pages that are written to by a call are to be written to the disk, also if they are as they were.
  void written(long from, long to) {
    dropped
        .keySet()
        .removeIf(page -> page * (long) PAGE_BYTES < to && (page + 1L) * PAGE_BYTES > from);
  }

  /// A force that fails: of the pages that the range touches some arrive, and none of the others is tried
  /// again.
  void failForce(byte[] live, long from, long to, IntPredicate arrives) {
    int first = (int) (from / PAGE_BYTES);
    for (int page = first; (long) page * PAGE_BYTES < Math.min(live.length, to); page++) {
      byte[] content = piece(live, page, PAGE_BYTES);
      if (Arrays.equals(content, piece(durable, page, PAGE_BYTES))) {
        continue;
      }
      if (arrives.test(page)) {
        durable =
            Arrays.copyOf(durable, Math.max(durable.length, page * PAGE_BYTES + content.length));
        copyPiece(live, durable, page, PAGE_BYTES);
        dropped.remove(page);
      } else {
        dropped.put(page, content);
      }
    }
  }

  /// Some of what is waiting reaches the disk by itself, in pieces of this size.
  void writeBack(byte[] live, int pieceBytes, IntPredicate arrives) {
    byte[] from = reachable(live);
    byte[] next = Arrays.copyOf(durable, Math.max(durable.length, from.length));
    for (int piece = 0; piece * pieceBytes < from.length; piece++) {
      if (arrives.test(piece)) {
        copyPiece(from, next, piece, pieceBytes);
      }
    }
    durable = next;
  }

  /// What would be on the disk if everything were written that the system still means to write.
  byte[] reachable(byte[] live) {
    byte[] result = live.clone();
    for (int page : dropped.keySet()) {
      if (isStillDropped(page, live)) {
        Arrays.fill(
            result,
            Math.min(result.length, page * PAGE_BYTES),
            Math.min(result.length, (page + 1) * PAGE_BYTES),
            (byte) 0);
        copyPiece(durable, result, page, PAGE_BYTES);
      }
    }
    return result;
  }

  boolean hasDropped() {
    return !dropped.isEmpty();
  }

  private boolean isStillDropped(int page, byte[] live) {
    return Arrays.equals(dropped.get(page), piece(live, page, PAGE_BYTES));
  }

  static byte[] piece(byte[] content, int number, int pieceBytes) {
    int from = Math.min(content.length, number * pieceBytes);
    return Arrays.copyOfRange(content, from, Math.min(content.length, from + pieceBytes));
  }

  static void copyPiece(byte[] from, byte[] to, int number, int pieceBytes) {
    int begin = number * pieceBytes;
    int end = Math.min(begin + pieceBytes, Math.min(from.length, to.length));
    if (begin < end) {
      System.arraycopy(from, begin, to, begin, end - begin);
    }
  }
}

package dev.kvstore.engine;

import dev.kvstore.StoreException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.Segment;
import java.util.Arrays;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Settles many displaced records, in the order of the log.
///
/// In rounds, each a join of two sorted lists: of what has taken the entries, whose keys are kept, and of
/// what is displaced, whose keys are compared with them. The former are the latest writes, many in each page;
/// the latter are spread over the whole log, which is read once in all. Where both keys are equal, the
/// displaced record is replaced; what is left, one in hundreds or less, is left to [Displaced#settle].
///
/// - Threads: one at a time.
/// - Memory, on the heap: 5 MiB and the keys of a round, 17 MiB at most for a moment, whatever is displaced.
/// - Failure: what cannot be read stays displaced.
final class SettlementPass {
  private static final int ROUND_MOST = 1 << 17;
  private static final int KEY_BYTES_MOST = 8 << 20;

  /// For so many there is room whatever their keys: what a round leaves, the next one ends.
  private static final int ROUND_SURE = KEY_BYTES_MOST / (Short.BYTES + Displaced.KEY_BYTES_MOST);

  private static final int NUMBER_BITS = Integer.numberOfTrailingZeros(ROUND_MOST);

  private static final long NOTHING = Long.MAX_VALUE;

  // What is displaced is one number: its distance from the first address of the round, and what is
  // known of the hash.
  private static final int HASH_BITS = HashIndex.HASH_BITS;
  private static final int HASH_SHIFT = Long.SIZE - HASH_BITS;
  private static final long DISTANCES = 1L << (HASH_SHIFT - 1);

  // Instead of the place of a key.
  private static final int UNKNOWN = -1;
  private static final int NO_ROOM = -2;
  private static final int SETTLED = -3;

  private final Displaced displaced;
  private final HashIndex index;
  private final SegmentTable segments;
  private final SortedRecords records;

  // Of a round: what is displaced, from an address on; in order once it has been collected.
  private final long[] todo = new long[2 * ROUND_MOST];
  private int count;
  private long first;
  private long last; // no more than so many can be done, up to this address
  private long beyond; // the lowest address that is too far off for this round

  // Keys, each behind its size in two bytes, and for each that is displaced where the one is.
  private byte[] keys = new byte[1 << 16];
  private int keysEnd;
  private final int[] keyAt = new int[ROUND_MOST];
  private final long[] newer = new long[ROUND_MOST];

  private final AnyEntry any = new AnyEntry();
  private @Nullable StoreException failure;

  SettlementPass(
      Displaced displaced, HashIndex index, SegmentTable segments, SortedRecords records) {
    this.displaced = displaced;
    this.index = index;
    this.segments = segments;
    this.records = records;
  }

  /// @param only the segments whose records are settled; null: all
  /// @param stop asked now and then; ends this early
  /// @throws StoreException if some cannot be read, or not be told from another; the rest is settled
  void run(@Nullable Set<Segment> only, BooleanSupplier stop) {
    failure = null;
    boolean again = false;
    for (long from = 0; from != NOTHING && !stop.getAsBoolean(); ) {
      collect(only, from, again ? ROUND_SURE : ROUND_MOST);
      long end = count == 0 ? beyond : addressOf(count - 1) + 1;
      from = count == 0 ? end : round(again, end);
      again = from < end;
    }
    if (failure != null) {
      throw failure;
    }
  }

  /// The lowest addresses of what is displaced, from one on.
  private void collect(@Nullable Set<Segment> only, long from, int most) {
    count = 0;
    first = from;
    last = Long.MAX_VALUE;
    beyond = NOTHING;
    for (int shard = 0; shard < HashIndex.SHARDS; shard++) {
      displaced.forEach(shard, (hash, address) -> collect(only, hash, address));
    }
    Arrays.sort(todo, 0, count);
    count = Math.min(count, most);
  }

  private void collect(@Nullable Set<Segment> only, long hash, long address) {
    if (address < first || address > last || (only != null && !isOf(only, address))) {
      return;
    }
    if (address - first >= DISTANCES) {
      beyond = Math.min(beyond, address);
      return;
    }
    if (count == todo.length) {
      Arrays.sort(todo);
      count = ROUND_MOST;
      last = addressOf(count - 1);
    }
    todo[count++] = ((address - first) << HASH_BITS) | (hash >>> HASH_SHIFT);
  }

  private boolean isOf(Set<Segment> some, long address) {
    Segment segment = segments.at(address);
    return segment != null && some.contains(segment);
  }

  private long addressOf(int place) {
    return first + (todo[place] >>> HASH_BITS);
  }

  private long hashOf(int place) {
    return todo[place] << HASH_SHIFT;
  }

  /// @param again whether it is not the first for what it begins with; then it leaves nothing
  /// @param end the address where the next begins if nothing is left
  /// @return the address where the next begins
  private long round(boolean again, long end) {
    Arrays.fill(keyAt, 0, count, UNKNOWN);
    keysEnd = 0;
    readNewer();
    records.forEach(todo, count, first, HASH_BITS, this::compare);
    long next = end;
    for (int place = count - 1; place >= 0; place--) {
      if (keyAt[place] == NO_ROOM || (keyAt[place] == UNKNOWN && !again)) {
        next = addressOf(place); // its newer record may have been moved by compaction just then
      } else if (keyAt[place] != SETTLED) {
        settleAlone(hashOf(place));
      }
    }
    return next;
  }

  /// Keeps the keys of what has taken the entries.
  private void readNewer() {
    int known = 0;
    for (int place = 0; place < count; place++) {
      long address = any.in(index, hashOf(place));
      // Itself, if it is just being restored.
      if (address != HashIndex.NONE && address != addressOf(place)) {
        newer[known++] = (address << NUMBER_BITS) | place;
      }
    }
    Arrays.sort(newer, 0, known);
    records.forEach(
        newer,
        known,
        0,
        NUMBER_BITS,
        (at, piece, keyFrom, keyTo, recordBytes) ->
            keyAt[(int) newer[at] & ((1 << NUMBER_BITS) - 1)] = keep(piece, keyFrom, keyTo));
  }

  private int keep(byte[] piece, int from, int to) {
    int at = keysEnd;
    int end = at + Short.BYTES + to - from;
    if (end > keys.length) {
      if (end > KEY_BYTES_MOST) {
        return NO_ROOM;
      }
      keys = Arrays.copyOf(keys, Math.min(KEY_BYTES_MOST, Math.max(end, 2 * keys.length)));
    }
    keys[at] = (byte) ((to - from) >>> 8);
    keys[at + 1] = (byte) (to - from);
    System.arraycopy(piece, from, keys, at + Short.BYTES, to - from);
    keysEnd = end;
    return at;
  }

  private void compare(int place, byte[] piece, int keyFrom, int keyTo, long recordBytes) {
    int at = keyAt[place];
    if (at < 0) {
      return;
    }
    int kept = at + Short.BYTES;
    int length = ((keys[at] & 0xFF) << 8) | (keys[at + 1] & 0xFF);
    if (Arrays.equals(keys, kept, kept + length, piece, keyFrom, keyTo)) {
      keyAt[place] = SETTLED;
      displaced.settleReplaced(hashOf(place), addressOf(place), recordBytes);
    }
  }

  /// One whose key is another, or longer than usual, or that cannot be read past the mapping.
  private void settleAlone(long hash) {
    try {
      displaced.settle(hash);
    } catch (StoreException e) {
      failure = e;
    }
  }
}

package dev.kvstore.index;

import java.util.Arrays;

/// Fills one shard with many entries at once, on the heap, and puts the result into the index.
///
/// Plain arrays, because this is what an open does first in a JVM that has compiled nothing yet; and the
/// table is made once, at its final size, so that nothing is ever moved.
///
/// ```java
/// filler.begin(shard, 500);
/// for (...) {
///   int there = filler.seek(hash);
///   while (there != ShardFiller.ABSENT && !sameKey(there)) there = filler.seekOn();
///   filler.put(address, number, false); // or leave what is there
/// }
/// filler.end();
/// ```
///
/// - Threads: one at a time. Others may fill other shards meanwhile; nobody may use the same one.
/// - Memory, on the heap: 12 to 16 bytes for each entry of the shard.
public final class ShardFiller {
  /// No entry has this shard and window.
  public static final int ABSENT = -1;

  /// There is one that was in the shard before; [#address] tells which.
  public static final int FROM_BEFORE = -2;

  private static final int GHOST = 1;

  private final HashIndex index;

  private int shard;
  private int pages;
  private int slots;
  private int count;
  private int ghosts;
  private long[] before = {};
  private long[] words = {};
  private int[] numbers = {}; // by slot: the entry's number doubled, one more if it is a ghost

  // The last seek.
  private long window;
  private int slot;

  public ShardFiller(HashIndex index) {
    this.index = index;
  }

  /// Begins with what is in the shard.
  ///
  /// @param more how many entries will be added at most
  public void begin(int shardNumber, int more) {
    shard = shardNumber;
    ghosts = 0;
    int pagesBefore = index.shardPages(shard);
    int slotsBefore = pagesBefore * Table.SLOTS_PER_PAGE;
    if (before.length < slotsBefore) before = new long[slotsBefore];
    index.copyWords(shard, before);
    count = 0; // counted, since the shard's number may have come with an image
    for (int i = 0; i < slotsBefore; i++) if (before[i] != Slot.EMPTY) count++;
    if (pagesBefore > 0 && count + more <= Table.entriesMax(pagesBefore)) {
      pages = pagesBefore;
      slots = slotsBefore;
      long[] swapped = words;
      words = before;
      before = swapped;
      if (numbers.length < slots) numbers = new int[words.length];
      Arrays.fill(numbers, 0, slots, FROM_BEFORE << 1);
      return;
    }
    int needed = Table.pagesFor(Math.addExact(count, more));
    clear(Math.max(Math.max(1, needed), pagesBefore + pagesBefore / 4));
    for (int i = 0; i < slotsBefore; i++) {
      if (before[i] == Slot.EMPTY) continue;
      int free = freeSlot(before[i]);
      words[free] = before[i];
      numbers[free] = FROM_BEFORE << 1;
    }
  }

  private void clear(int newPages) {
    pages = newPages;
    slots = Math.multiplyExact(newPages, Table.SLOTS_PER_PAGE);
    if (words.length < slots) {
      words = new long[slots];
    } else {
      Arrays.fill(words, 0, slots, Slot.EMPTY);
    }
    if (numbers.length < slots) numbers = new int[words.length];
  }

  private int freeSlot(long word) {
    int free = firstSlot(Slot.window(word));
    while (words[free] != Slot.EMPTY) free = free + 1 == slots ? 0 : free + 1;
    return free;
  }

  // A bucket is filled from its first slot on, and what finds no room goes to the next one: that is
  // to go from slot to slot.
  private int firstSlot(long wanted) {
    long buckets = slots / Table.SLOTS_PER_BUCKET;
    return (int) ((wanted * buckets) >>> Slot.WINDOW_BITS) * Table.SLOTS_PER_BUCKET;
  }

  /// Looks for an entry of this hash, as far as the index knows a hash: the number that it was put with,
  /// [#FROM_BEFORE], or [#ABSENT].
  public int seek(long hash) {
    window = HashIndex.windowOf(hash);
    slot = firstSlot(window);
    return seekFrom();
  }

  /// Looks for another one.
  public int seekOn() {
    slot = slot + 1 == slots ? 0 : slot + 1;
    return seekFrom();
  }

  private int seekFrom() {
    int at = slot;
    while (true) {
      long word = words[at];
      if (word == Slot.EMPTY || Slot.window(word) == window) {
        slot = at;
        return word == Slot.EMPTY ? ABSENT : numbers[at] >> 1;
      }
      at = at + 1 == slots ? 0 : at + 1;
    }
  }

  /// The address of the entry that was found.
  public long address() {
    return Slot.address(words[slot]);
  }

  /// Adds an entry where the last seek ended, or replaces the one it found.
  ///
  /// @param number not negative, and below 2^30; tells the entry from others
  /// @param ghost whether it only keeps others of its key out, and is left out in the end
  public void put(long address, int number, boolean ghost) {
    if (words[slot] == Slot.EMPTY) {
      count++;
    } else {
      ghosts -= numbers[slot] & GHOST;
    }
    words[slot] = Slot.word(window, HashIndex.checked(address));
    numbers[slot] = number << 1 | (ghost ? GHOST : 0);
    if (ghost) ghosts++;
  }

  /// Adds an entry that is known to be another key's than all others.
  void add(long word) {
    HashIndex.checked(Slot.address(word));
    int free = freeSlot(word);
    words[free] = word;
    numbers[free] = 0;
    count++;
  }

  /// Puts the shard into the index, without the ghosts; returns how many entries it has.
  public int end() {
    int left = count - ghosts;
    if (ghosts > 0 || left < Table.entriesMin(pages)) rebuild(left);
    index.install(shard, words, pages, left);
    return left;
  }

  private void rebuild(int left) {
    long[] kept = new long[left];
    int next = 0;
    for (int i = 0; i < slots; i++) {
      if (words[i] != Slot.EMPTY && (numbers[i] & GHOST) == 0) kept[next++] = words[i];
    }
    clear(Table.pagesFor(left));
    for (long word : kept) words[freeSlot(word)] = word;
  }
}

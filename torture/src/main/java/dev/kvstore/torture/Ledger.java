package dev.kvstore.torture;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What the writers were told, in a mapped file: it belongs to the operating system the moment it is
/// written, so it survives the writer, without a call that would slow it down.
///
/// Says of each thread which write every key had last, and which write is under way. A thread announces a
/// write, makes it, and notes the acknowledgement; a process that dies between two of these leaves one
/// write that may have happened or not, and of all others the ledger knows.
///
/// - Threads: each block has one writer, its thread; the head has the writer's main thread. Whoever started
///   the process reads along, and writes once it has ended.
/// - Blocks of the file are written when it is made, so that no full disk is met later.
///
/// ```
/// head, 4 KiB, long words      0 magic  8 threads  16 keys of each  24 phase  32 compacting  40 counters
/// block of a thread            0 state  8 number  16 changes  24 numbers used  32 counters
///                              128 changes: key, size        256 keys: number of the write, size
/// ```
final class Ledger implements AutoCloseable {
  private static final long MAGIC = 0x3176_7265_6764_656cL; // "ledgerv1"
  private static final int PAGE_BYTES = 4096;

  private static final int THREADS = 8;
  private static final int KEYS = 16;
  private static final int PHASE = 24;
  private static final int COMPACTING = 32;
  private static final int COUNTERS = 40;

  private static final int STATE = 0;
  private static final int NUMBER = 8;
  private static final int CHANGES = 16;
  private static final int NUMBERS_USED = 24;
  private static final int THREAD_COUNTERS = 32;
  private static final int CHANGE_LIST = 128;
  private static final int SLOTS = 256;
  private static final int PAIR_BYTES = 16;

  // States of a thread.
  private static final long IDLE = 0;
  private static final long UNDER_WAY = 1;
  private static final long ACKNOWLEDGED = 2;

  private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG;
  private static final VarHandle SHARED = WORD.varHandle();

  /// Counts of the writer as a whole.
  enum Counter {
    OPENS,
    CLOSES,
    COMPACTIONS,
    TAILS_CUT,
    TAIL_BYTES_CUT,
    FAILED_CALLS
  }

  /// Counts of each thread.
  enum ThreadCounter {
    WRITES,
    BATCHES,
    DELETES,
    VALUE_BYTES,
    REFUSED,
    UNDECIDED
  }

  private final Arena arena;
  private final MemorySegment memory;
  private final int threads;
  private final int keys;

  private Ledger(Arena arena, MemorySegment memory) {
    this.arena = arena;
    this.memory = memory;
    this.threads = Math.toIntExact(memory.get(WORD, THREADS));
    this.keys = Math.toIntExact(memory.get(WORD, KEYS));
  }

  /// Makes one in which no key is there.
  static Ledger create(Path path, int threads, int keys) throws IOException {
    long bytes = PAGE_BYTES + (long) threads * blockBytes(keys);
    try (FileChannel file =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      ByteBuffer zeros = ByteBuffer.allocate(PAGE_BYTES);
      for (long at = 0; at < bytes; at += PAGE_BYTES) {
        file.write(zeros.clear(), at);
      }
    }
    Arena arena = Arena.ofShared();
    MemorySegment memory = map(path, arena);
    memory.set(WORD, THREADS, threads);
    memory.set(WORD, KEYS, keys);
    memory.set(WORD, 0, MAGIC);
    Ledger ledger = new Ledger(arena, memory);
    for (int thread = 0; thread < threads; thread++) {
      for (int key = 0; key < keys; key++) {
        ledger.set(ledger.slot(thread, key) + 8, Write.Change.REMOVED);
      }
    }
    return ledger;
  }

  static Ledger open(Path path) throws IOException {
    Arena arena = Arena.ofShared();
    try {
      MemorySegment memory = map(path, arena);
      if (memory.byteSize() < PAGE_BYTES || memory.get(WORD, 0) != MAGIC) {
        throw new IOException(path + " is no ledger");
      }
      return new Ledger(arena, memory);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  private static MemorySegment map(Path path, Arena arena) throws IOException {
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return file.map(FileChannel.MapMode.READ_WRITE, 0, file.size(), arena);
    }
  }

  private static long blockBytes(int keys) {
    return Math.ceilDiv(SLOTS + (long) keys * PAIR_BYTES, PAGE_BYTES) * PAGE_BYTES;
  }

  int threads() {
    return threads;
  }

  /// Keys of each thread.
  int keys() {
    return keys;
  }

  // ---- The writer as a whole

  Phase phase() {
    Phase phase = Phase.values()[Math.toIntExact(getAcquire(PHASE))];
    return phase == Phase.WRITING && getAcquire(COMPACTING) != 0 ? Phase.COMPACTING : phase;
  }

  void phase(Phase phase) {
    setRelease(PHASE, phase.ordinal());
  }

  void compacting(boolean compacting) {
    setRelease(COMPACTING, compacting ? 1 : 0);
  }

  long count(Counter counter) {
    return getAcquire(COUNTERS + counter.ordinal() * 8L);
  }

  void add(Counter counter, long more) {
    setRelease(COUNTERS + counter.ordinal() * 8L, count(counter) + more);
  }

  // ---- The writes of a thread

  /// The next number of a thread; never given twice.
  long nextNumber(int thread) {
    long number = get(block(thread) + NUMBERS_USED) + 1;
    set(block(thread) + NUMBERS_USED, number);
    return number;
  }

  /// From here on the write may have happened.
  void announce(int thread, Write write) {
    long block = block(thread);
    set(block + NUMBER, write.number());
    set(block + CHANGES, write.changes().size());
    long at = block + CHANGE_LIST;
    for (Write.Change change : write.changes()) {
      set(at, change.key());
      set(at + 8, change.size());
      at += PAIR_BYTES;
    }
    setRelease(block + STATE, UNDER_WAY);
  }

  /// From here on the write must be there.
  void acknowledge(int thread, Write write) {
    setRelease(block(thread) + STATE, ACKNOWLEDGED);
    finish(thread, write);
  }

  /// The write has not happened, and may not show.
  void withdraw(int thread) {
    setRelease(block(thread) + STATE, IDLE);
  }

  /// The write under way has been seen to have happened, or acknowledged.
  private void finish(int thread, Write write) {
    for (Write.Change change : write.changes()) {
      set(slot(thread, change.key()), write.number());
      set(slot(thread, change.key()) + 8, change.size());
    }
    setRelease(block(thread) + STATE, IDLE);
    // Last: a kill in between counts too few, never too many.
    add(thread, ThreadCounter.WRITES, 1);
    add(thread, ThreadCounter.BATCHES, write.changes().size() > 1 ? 1 : 0);
    for (Write.Change change : write.changes()) {
      if (change.removes()) {
        add(thread, ThreadCounter.DELETES, 1);
      } else {
        add(thread, ThreadCounter.VALUE_BYTES, Content.HEAD_BYTES + change.size());
      }
    }
  }

  /// What is left of a thread that has ended: the write of which nobody knows whether it happened. One
  /// that was acknowledged counts as made.
  Optional<Write> underWay(int thread) {
    long state = getAcquire(block(thread) + STATE);
    if (state == IDLE) {
      return Optional.empty();
    }
    Write write = announced(thread);
    if (state == ACKNOWLEDGED) {
      finish(thread, write);
      return Optional.empty();
    }
    return Optional.of(write);
  }

  private Write announced(int thread) {
    long block = block(thread);
    int count = Math.toIntExact(get(block + CHANGES));
    List<Write.Change> changes = new ArrayList<>();
    for (long at = block + CHANGE_LIST; count > 0; count--, at += PAIR_BYTES) {
      changes.add(new Write.Change(Math.toIntExact(get(at)), Math.toIntExact(get(at + 8))));
    }
    return new Write(get(block + NUMBER), changes);
  }

  /// Settles the write under way by what was seen of it.
  void settle(int thread, Write write, boolean happened) {
    if (happened) {
      finish(thread, write);
    } else {
      withdraw(thread);
    }
  }

  /// The number of the write that a key had last; 0: none.
  long lastWrite(int thread, int key) {
    return get(slot(thread, key));
  }

  /// Size of the value that a key has, or [Write.Change#REMOVED].
  int size(int thread, int key) {
    return Math.toIntExact(get(slot(thread, key) + 8));
  }

  void add(int thread, ThreadCounter counter, long more) {
    long at = block(thread) + THREAD_COUNTERS + counter.ordinal() * 8L;
    setRelease(at, get(at) + more);
  }

  /// The sum over all threads.
  long count(ThreadCounter counter) {
    long sum = 0;
    for (int thread = 0; thread < threads; thread++) {
      sum += getAcquire(block(thread) + THREAD_COUNTERS + counter.ordinal() * 8L);
    }
    return sum;
  }

  // ---- Words

  private long block(int thread) {
    return PAGE_BYTES + thread * blockBytes(keys);
  }

  private long slot(int thread, int key) {
    return block(thread) + SLOTS + (long) key * PAIR_BYTES;
  }

  private long get(long offset) {
    return memory.get(WORD, offset);
  }

  private void set(long offset, long value) {
    memory.set(WORD, offset, value);
  }

  private long getAcquire(long offset) {
    return (long) SHARED.getAcquire(memory, offset);
  }

  /// Also orders the word behind all that was set before, for whoever looks after the process has died.
  private void setRelease(long offset, long value) {
    SHARED.setRelease(memory, offset, value);
  }

  @Override
  public void close() {
    arena.close();
  }
}

package dev.kvstore.segment;

import dev.kvstore.io.Access;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// A mapped file that is unmapped when it is retired and nobody pins it any more.
///
/// A reader that copies bytes out need not pin: if the memory goes away meanwhile it meets
/// [IllegalStateException] and looks the key up again. A reader that hands the memory to somebody
/// else pins it.
public final class Mapping {
  private static final int RETIRED = 1 << 31;
  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(Mapping.class, "state", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Arena arena; // owned here; closed once, by whoever finds state == RETIRED
  private final MemorySegment memory;

  @SuppressWarnings({"FieldMayBeFinal", "UnusedVariable"})
  private volatile int state; // pins, and the highest bit once retired

  private Mapping(Arena arena, MemorySegment memory) {
    this.arena = arena;
    this.memory = memory;
  }

  /// Maps the first bytes of a file.
  public static Mapping of(FileHandle file, long size, Access access) {
    Arena arena = Arena.ofShared();
    try {
      return new Mapping(arena, file.map(size, access, arena));
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  /// Memory of its own, all zero, that goes by the same rules.
  public static Mapping ofZeros(long size) {
    Arena arena = Arena.ofShared();
    try {
      return new Mapping(arena, arena.allocate(size, Long.BYTES));
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  public MemorySegment memory() {
    return memory;
  }

  /// Keeps the memory until [#unpin]. False if it is retired already.
  public boolean pin() {
    while (true) {
      int seen = state;
      if (seen < 0) {
        return false;
      }
      if (STATE.compareAndSet(this, seen, seen + 1)) {
        return true;
      }
    }
  }

  public void unpin() {
    if ((int) STATE.getAndAdd(this, -1) - 1 == RETIRED) {
      arena.close();
    }
  }

  /// Nobody pins it from now on; unmaps it as soon as nobody does. May be repeated.
  ///
  /// The JVM throws an error into threads that are reading it at this very moment, and sets the status of
  /// interruption of each, which must not reach their owners: so call this a moment after nobody new can
  /// come to read it, and see [Interruption] for the others.
  public void retire() {
    int before = (int) STATE.getAndBitwiseOr(this, RETIRED);
    if (before == 0) {
      arena.close();
    }
  }
}

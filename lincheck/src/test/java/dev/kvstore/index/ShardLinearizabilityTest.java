package dev.kvstore.index;

import dev.kvstore.lincheck.Effort;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// One shard under schedules that the model checker makes up, with all keys in one window: each lookup asks
/// its matcher about every entry before its own, and between any two of these questions everything may
/// change.
@Param(name = "key", gen = IntGen.class, conf = "0:1")
@Param(name = "version", gen = IntGen.class, conf = "1:2")
public class ShardLinearizabilityTest {
  private static final long WINDOW = 9;
  private static final int STANDING = 3;
  private static final PageSlab SLAB = new PageSlab();

  /// What a matcher has to look into, by address: where it does, another thread may come.
  private static final AtomicIntegerArray RECORDS = records();

  private final Shard shard = new Shard(0, SLAB);

  public ShardLinearizabilityTest() {
    // A table on the heap, which costs little and is never replaced.
    MemorySegment page = MemorySegment.ofArray(new long[Table.SLOTS_PER_PAGE]);
    shard.adopt(new Table(new MemorySegment[] {page}, new int[] {0}), 0);
    for (int other = 10; other < 10 + STANDING; other++) {
      shard.insert(word(other, 1));
    }
  }

  private static AtomicIntegerArray records() {
    AtomicIntegerArray records = new AtomicIntegerArray(16 << 4);
    for (int address = 0; address < records.length(); address++) {
      records.set(address, address >>> 4);
    }
    return records;
  }

  private static long word(int key, int version) {
    return Slot.word(WINDOW, (long) key << 4 | version);
  }

  private long lookUp(int key) {
    return shard.find(WINDOW, address -> RECORDS.get((int) address) == key);
  }

  @Operation(nonParallelGroup = "writer")
  public void put(@Param(name = "key") int key, @Param(name = "version") int version) {
    while (true) {
      long old = lookUp(key);
      if (old == HashIndex.NONE) {
        shard.insert(word(key, version));
        return;
      }
      if (shard.replace(Slot.word(WINDOW, old), word(key, version))) {
        return;
      }
    }
  }

  @Operation(nonParallelGroup = "writer")
  public boolean delete(@Param(name = "key") int key) {
    while (true) {
      long old = lookUp(key);
      if (old == HashIndex.NONE) {
        return false;
      }
      if (shard.remove(Slot.word(WINDOW, old))) {
        return true;
      }
    }
  }

  @Operation
  public int find(@Param(name = "key") int key) {
    return (int) (lookUp(key) & 15);
  }

  @Operation
  public boolean redirect(
      @Param(name = "key") int key,
      @Param(name = "version") int from,
      @Param(name = "version") int to) {
    return shard.replace(word(key, from), word(key, to));
  }

  @Test
  void schedulesHaveAnOrder() {
    check(new Effort(8, 30));
  }

  @Test
  @Tag("torture")
  void schedulesHaveAnOrderForLong() {
    check(new Effort(100, 300).times(Effort.minutes() / 4));
  }

  private static void check(Effort effort) {
    effort
        .modelChecking()
        .sequentialSpecification(HashIndexLinearizabilityTest.Specification.class)
        .check(ShardLinearizabilityTest.class);
  }
}

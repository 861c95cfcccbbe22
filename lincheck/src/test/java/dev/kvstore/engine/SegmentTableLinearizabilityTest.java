package dev.kvstore.engine;

import dev.kvstore.lincheck.Effort;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.StoreId;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Segments come and go, and addresses are looked up without a lock: what was added is found, what was
/// removed is not, also while the table grows. (The list of all has a moment of its own, a little later.)
@Param(name = "segment", gen = IntGen.class, conf = "0:2")
public class SegmentTableLinearizabilityTest {
  private static final int SEGMENTS = 3;

  /// So large that the second one makes the table grow.
  private static final long BYTES = 40L << 20;

  private static final long UNITS = BYTES >>> 3;

  private final SegmentTable table = new SegmentTable();
  private final Segment[] segments = new Segment[SEGMENTS];

  public SegmentTableLinearizabilityTest() {
    for (int i = 0; i < SEGMENTS; i++) {
      segments[i] = new Segment(new StoreId(1, 2), i + 1, null, 64);
    }
  }

  @Operation(nonParallelGroup = "owner")
  public boolean addAt(@Param(name = "segment") int segment) {
    return table.addAt(segments[segment], BYTES, segment * UNITS, Long.MAX_VALUE);
  }

  @Operation(nonParallelGroup = "owner")
  public void remove(@Param(name = "segment") int segment) {
    table.remove(segments[segment]);
  }

  @Operation
  public long at(@Param(name = "segment") int segment) {
    Segment found = table.at(segment * UNITS + UNITS / 2);
    return found == null ? 0 : found.id();
  }

  @Test
  void everySchedule() {
    check(new Effort(3, 100));
  }

  @Test
  @Tag("torture")
  void everyScheduleForLong() {
    check(new Effort(40, 5000).times(Effort.minutes() / 4));
  }

  private static void check(Effort effort) {
    effort.modelChecking().check(SegmentTableLinearizabilityTest.class);
  }
}

package dev.kvstore.segment;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// The byte order of everything on disk. Unaligned, because bytes of a file have no alignment.
public final class LittleEndian {
  public static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private LittleEndian() {}
}

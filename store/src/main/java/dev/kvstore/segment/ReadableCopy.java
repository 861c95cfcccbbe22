package dev.kvstore.segment;

import dev.kvstore.StoreIoException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.FileHandle;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What can be read of a file, in memory of its own, for when a mapping of it turned out to have pages that
/// cannot be read. Takes as much memory as the file is long.
///
/// @param memory as long as the mapping was, with zeros for what cannot be read
/// @param gaps what cannot
public record ReadableCopy(Mapping memory, List<Gap> gaps) {
  private static final int PIECE_BYTES = 1 << 20;
  private static final int BLOCK_BYTES = 4 << 10;

  /// A stretch that cannot be read.
  public record Gap(long from, long to, String why) {}

  /// Reads the first so many bytes of a file.
  ///
  /// @throws StoreIoException if they cannot be read, or are not there
  public static void requireReadable(Directory directory, String name, long bytes) {
    byte[] piece = new byte[(int) Math.min(bytes, PIECE_BYTES)];
    try (FileHandle file = directory.open(name, Access.READ)) {
      for (long at = 0; at < bytes; at += piece.length) {
        file.read(at, piece, 0, (int) Math.min(piece.length, bytes - at));
      }
    }
  }

  /// Copies the first so many bytes of a file. Null if all of them can be read, or if the file cannot be
  /// opened at all, which says nothing about its mapping.
  public static @Nullable ReadableCopy ofUnreadable(Directory directory, String name, long bytes) {
    try {
      requireReadable(directory, name, bytes);
      return null; // and no memory was taken, since most files are well
    } catch (StoreIoException e) {
      // Something of it cannot be read.
    }
    try (FileHandle file = directory.open(name, Access.READ)) {
      long there = Math.min(bytes, file.size());
      Mapping memory = Mapping.ofZeros(bytes);
      try {
        List<Gap> gaps = new ArrayList<>();
        for (long at = 0; at < there; at += PIECE_BYTES) {
          copy(file, at, Math.min(there, at + PIECE_BYTES), PIECE_BYTES, memory.memory(), gaps);
        }
        if (there < bytes) {
          add(gaps, there, bytes, "the file ends at " + there);
        }
        if (!gaps.isEmpty()) {
          return new ReadableCopy(memory, gaps);
        }
      } catch (Throwable e) {
        memory.retire();
        throw e;
      }
      memory.retire();
      return null;
    } catch (StoreIoException e) {
      return null;
    }
  }

  /// Copies a piece; block by block if it cannot be read as a whole.
  private static void copy(
      FileHandle file, long from, long to, int step, MemorySegment target, List<Gap> gaps) {
    for (long at = from; at < to; at += step) {
      long end = Math.min(to, at + step);
      try {
        file.read(at, target.asSlice(at, end - at));
      } catch (StoreIoException e) {
        if (step == BLOCK_BYTES) {
          target.asSlice(at, end - at).fill((byte) 0);
          add(gaps, at, end, String.valueOf(e.getMessage()));
        } else {
          copy(file, at, end, BLOCK_BYTES, target, gaps);
        }
      }
    }
  }

  private static void add(List<Gap> gaps, long from, long to, String why) {
    if (!gaps.isEmpty() && gaps.getLast().to() == from) {
      Gap before = gaps.removeLast();
      gaps.add(new Gap(before.from(), to, before.why()));
    } else {
      gaps.add(new Gap(from, to, why));
    }
  }
}

package dev.kvstore.testkit;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A change of the names in a directory; each is atomic, on the disk as in memory.
///
/// @param from the name that goes; null if none does
/// @param to the name that comes; null if none does
record NameChange(@Nullable String from, @Nullable String to, Inode inode) {
  void applyTo(Map<String, Inode> names) {
    if (from != null && names.get(from) == inode) {
      names.remove(from);
    }
    if (to != null) {
      names.put(to, inode);
    }
  }
}

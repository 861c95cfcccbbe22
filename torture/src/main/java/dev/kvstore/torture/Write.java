package dev.kvstore.torture;

import java.util.List;

/// A write of one thread: a put, a delete, or a batch of them.
///
/// @param number counts the writes of the thread, from 1
record Write(long number, List<Change> changes) {
  /// Most changes of a write.
  static final int CHANGES_MAX = 8;

  /// What happens to one key.
  ///
  /// @param size of the value, or [#REMOVED]
  record Change(int key, int size) {
    static final int REMOVED = -1;

    boolean removes() {
      return size == REMOVED;
    }
  }

  Write {
    if (changes.isEmpty() || changes.size() > CHANGES_MAX) {
      throw new IllegalArgumentException("a write of " + changes.size() + " changes");
    }
    changes = List.copyOf(changes);
  }
}

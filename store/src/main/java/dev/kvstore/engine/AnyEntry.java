package dev.kvstore.engine;

import dev.kvstore.index.HashIndex;
import dev.kvstore.index.Interruption;
import dev.kvstore.index.KeyMatcher;

/// Finds an entry of a hash in an index whatever its key, for as much of the hash as the index knows.
///
/// Threads: one at a time.
final class AnyEntry implements KeyMatcher {
  private final Interruption interruption = new Interruption();
  private long except;

  /// The address of an entry; [HashIndex#NONE] if there is none.
  long in(HashIndex index, long hash) {
    return in(index, hash, HashIndex.NONE);
  }

  /// The same of any entry but one.
  long in(HashIndex index, long hash, long but) {
    except = but;
    interruption.begin();
    return index.find(hash, this);
  }

  @Override
  public boolean matches(long address) {
    return address != except;
  }

  @Override
  public void collided() {
    interruption.collided();
  }
}

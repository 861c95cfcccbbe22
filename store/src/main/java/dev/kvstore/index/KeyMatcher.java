package dev.kvstore.index;

/// Confirms that the record at an address holds the key that is being looked up.
///
/// - Asked for every entry whose window equals the key's: nearly always exactly once for a key that
///   is there, and nearly never for one that is not.
/// - Must bear any address from 1 to 2^40 - 1, and answer false for one that was never handed to
///   the index or whose record is gone: a slow reader may meet a word of memory that has been
///   recycled.
/// - Runs on the thread that asked, without a lock. What it throws reaches the caller of
///   [HashIndex#find]; it may be called again for the same address before that.
@FunctionalInterface
public interface KeyMatcher {
  boolean matches(long address);

  /// Is told that the lookup has met memory of the index that was closed meanwhile, and goes on; see
  /// [Interruption].
  default void collided() {}
}

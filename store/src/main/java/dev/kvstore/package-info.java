/// The words of the store: [KvStore] and everything a caller says to it or hears from it.
///
/// Vocabulary: every other package may import this one. It imports none of them, except that
/// [KvStore#open] and [StoreInspector] reach the engine.
@NullMarked
package dev.kvstore;

import org.jspecify.annotations.NullMarked;

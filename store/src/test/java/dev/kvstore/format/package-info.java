/// The files of the store, byte by byte: golden files of released versions, newer versions, single bits,
/// random bytes. Start at [GoldenStoreTest].
@NullMarked
package dev.kvstore.format;

import org.jspecify.annotations.NullMarked;

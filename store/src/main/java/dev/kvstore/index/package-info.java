/// Where the newest record of each key is. Start at [HashIndex], then Shard, Table, PageSlab.
///
/// May use the JDK and nothing of ours. Does not know what a segment, a record or a key is: it maps
/// 64-bit hashes to opaque addresses and asks a [KeyMatcher] whether the key at an address is
/// meant.
@NullMarked
package dev.kvstore.index;

import org.jspecify.annotations.NullMarked;

/// The load driver: the same work for this store and for its peers, each in a JVM of its own.
///
/// Start at [BenchMain], then [Work] and [Peer]. A new peer is one class and two lines in [PeerKind],
/// a new row of the table one line in [Rows].
@NullMarked
package dev.kvstore.bench;

import org.jspecify.annotations.NullMarked;

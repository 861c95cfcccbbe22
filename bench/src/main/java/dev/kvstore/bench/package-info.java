/// The load driver: the same work for this store and for its peers, each in a JVM of its own.
///
/// Start at [BenchMain] and [Session], then [Work] and [Peer]. A new peer is one class and a line in
/// [PeerKind], a new row of the table a line in [Rows] with its goals. Works write lines of JSON;
/// [Results], [Report] and everything behind them know nothing else.
@NullMarked
package dev.kvstore.bench;

import org.jspecify.annotations.NullMarked;

/// The log on disk. Start at [RecordFormat], then SegmentWriter, SegmentScanner, HintFile, Manifest.
///
/// May use `io` and the public words, nothing else of ours. Does not know which record is live, who
/// is reading, or what a value means; `engine` asks those questions of `index`.
@NullMarked
package dev.kvstore.segment;

import org.jspecify.annotations.NullMarked;

/// One store and many threads: readers, writers, iterations, compaction and the close, all at once.
@NullMarked
package dev.kvstore.concurrent;

import org.jspecify.annotations.NullMarked;

/// How the store works: [StoreEngine] owns the parts; each path is a class of its own that reads from
/// top to bottom the way bytes travel: WritePath, ReadPath, Recovery, Compaction.
///
/// The only package that knows index, segments and files at the same time.
@NullMarked
package dev.kvstore.engine;

import org.jspecify.annotations.NullMarked;

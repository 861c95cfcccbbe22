/// Files full of nonsense, made by a fuzzer that sees which code they reach. The targets are the
/// classes that end in FuzzTest; start at [Bounds], which says what any input may cost, and at
/// [PlainRecords], which says what a file holds.
@NullMarked
package dev.kvstore.fuzz;

import org.jspecify.annotations.NullMarked;
